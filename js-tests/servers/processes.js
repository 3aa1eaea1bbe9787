/**
 * Several processes that share tokens of one `fileStore`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../support/child.js";

/** @import { GrantKind } from "./wire.js" */

/** @typedef {{ name: string, url: string, tokens: number }} Given of each process: it ends when it has used so many tokens */

/** @typedef {{ grants: GrantKind[], tokens: string[], failures: string[] }} Report of a process: tokens as digests */

/** Calls the API all the time, and reports what was granted and used. */
const CALLER = `
  import { createHash } from "node:crypto";
  import { setTimeout as sleep } from "node:timers/promises";
  import { TokenManager } from "graphql-token-manager";
  import { fileStore } from "graphql-token-manager/stores/file";
  import { Wire } from "../servers/wire.js";

  const { default: server } = await import("../servers/" + given.name + "/server.js");
  const options = server.options(given.url);
  const wire = new Wire(options.provider);
  const store = fileStore({ path: given.folder });
  const tokens = new TokenManager({ fetch: wire.fetch, identity: "tests", ...options, store });
  const used = new Set();
  const failures = [];
  while (used.size < given.tokens && failures.length < 10) {
    try {
      used.add(createHash("sha256").update(await tokens.getToken()).digest("hex"));
      if (!server.isPermitted(await tokens.request(server.query))) failures.push("no data");
    } catch (error) {
      failures.push(error.code + " " + error.message);
    }
    await sleep(50);
  }
  await tokens.close();
  console.log(JSON.stringify({ grants: wire.grants, tokens: [...used], failures }));
`;

/**
 * Runs processes on one file store until each has used the given number of tokens.
 *
 * @param {number} count
 * @param {Given} given
 * @returns {Promise<Report[]>}
 */
export async function sharedByProcesses(count, given) {
  const folder = await mkdtemp(join(tmpdir(), "graphql-token-manager-shared-"));
  try {
    const runs = Array.from({ length: count }, () => run(CALLER, { given: { ...given, folder } }));
    return (await Promise.all(runs)).map(({ status, stdout, stderr }) => {
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
