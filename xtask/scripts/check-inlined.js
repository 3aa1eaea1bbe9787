// Proves that the text in the package becomes the module again.
// Usage: node check-inlined.js <text.js> <file.wasm>
import { readFileSync } from "node:fs";
import { inflate } from "../../pkg-template/src/module/inflate.js";

const [text, file] = process.argv.slice(2).map((path) => readFileSync(path));
// By its content: nothing beside the file says that it is a module.
const { default: base64, size } = await import(`data:text/javascript;base64,${text.toString("base64")}`);
if (!file.equals(inflate(Buffer.from(base64, "base64"), size))) {
  console.error("the inlined text is not the module: pkg-template/src/module/inflate.js is wrong");
  process.exitCode = 1;
}
