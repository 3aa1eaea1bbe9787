// Prints the size of each file, as it is and as a web server sends it.
// Usage: node sizes.js <file>...
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const kilobytes = (/** @type {Uint8Array} */ bytes) => `${(bytes.length / 1000).toFixed(1).padStart(7)} KB`;

for (const file of process.argv.slice(2)) {
  const raw = readFileSync(file);
  const gzip = kilobytes(gzipSync(raw, { level: 9 }));
  console.error(
    `    ${basename(file).padEnd(10)} ${kilobytes(raw)}${gzip} gzip${kilobytes(brotliCompressSync(raw))} brotli`,
  );
}
