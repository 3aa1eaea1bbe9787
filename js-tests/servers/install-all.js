// Installs all servers, or those that are named, before their tests have to wait for it.

import { readdir } from "node:fs/promises";
import { install } from "./install.js";

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : await serverNames()) await install(name);

/** Returns the names of the servers: the folders that describe one. */
async function serverNames() {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
