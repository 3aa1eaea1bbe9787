// Proves that an engine accepts the module, and that it imports only its glue.
// Usage: node check-module.js <file.wasm>
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));
const strangers = WebAssembly.Module.imports(module).filter(({ module }) => module !== "env");
if (strangers.length > 0) {
  const names = strangers.map(({ module, name }) => `${module}.${name}`).join(", ");
  console.error(`${file} imports ${names}: nothing in the package can provide that`);
  process.exitCode = 1;
}
