// Builds the site into target/docs/site: the documents, and the reference from the types of the package.
// Usage: node docs/site/build.js [--serve [PORT]]

import { execFileSync } from "node:child_process";
import path from "node:path";
import { build } from "vitepress";
import { brokenLinks } from "./links.js";
import { SITE, writePages } from "./pages.js";
import { serve } from "./serve.js";

const HERE = import.meta.dirname;
const [option, port = "0"] = process.argv.slice(2);
if (option !== undefined && option !== "--serve")
  throw new Error(`\`${option}\` is unknown; the option is --serve`);
if (!/^\d+$/.test(port)) throw new Error("--serve takes the number of a port");

writePages();
execFileSync(process.execPath, [path.join(HERE, "node_modules/typedoc/bin/typedoc")], {
  cwd: HERE,
  stdio: "inherit",
});
await build(HERE);

const broken = brokenLinks(SITE);
if (broken.length > 0) {
  console.error(`these links lead to no page or no heading:\n${broken.join("\n")}`);
  process.exit(1);
}
console.log(`built ${SITE}`);

if (option === "--serve") {
  const { url } = await serve(SITE, Number(port));
  console.log(`${url}/ until Ctrl-C`);
}
