// Proves that the text in the package becomes the module again.
// Usage: node check-inlined.js <text.js> <file.wasm>
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

const [text, file] = process.argv.slice(2).map((path) => readFileSync(path));
// By its content: nothing beside the file says that it is a module.
const { default: base64 } = await import(`data:text/javascript;base64,${text.toString("base64")}`);
if (!file.equals(inflateRawSync(Buffer.from(base64, "base64")))) {
  console.error("the inlined text is not the module");
  process.exitCode = 1;
}
