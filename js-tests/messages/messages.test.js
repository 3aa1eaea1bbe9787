// The full text of the messages that the JavaScript of the package makes. Other tests check codes, types and names.
//
// `UPDATE_MESSAGES=1 node --test js-tests/messages/messages.test.js` rewrites the recorded text; read the difference.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { run } from "../cli/support.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { ENVIRONMENT, SECRET, WRONG_COMMANDS } from "./command-line.js";
import { FAILING_CALLS } from "./library.js";
import { PROVIDERS } from "../../pkg-template/src/tables.js";

/** @import { Failing, Given } from "./library.js" */

const RECORDED = new URL("messages.txt", import.meta.url);

/** Number of processes at a time. */
const PROCESSES = 4;

/**
 * Replaces the list of the accepted providers, so that a new one changes no recorded text.
 *
 * @param {string} message
 */
function withoutProviders(message) {
  const lists = [
    PROVIDERS.join('", "'),
    PROVIDERS.join(", ").replace(/, (?=\w+$)/, " or "),
    PROVIDERS.join(", "),
  ];
  const accepted = new RegExp(`(provider\\S* (?:must be one of |takes )?"?)(?:${lists.join("|")})`, "g");
  return message.replaceAll(accepted, "$1PROVIDERS");
}

/** Returns the message with which a call fails. @param {Failing} call @param {Given} given */
async function messageOf(call, given) {
  try {
    await call(given);
  } catch (error) {
    assert.ok(error instanceof Error);
    const message = error.message.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT");
    return `${error.name}: ${withoutProviders(message)}`;
  }
  return assert.fail("it did not fail");
}

/** @param {import("node:test").TestContext} t */
async function libraryMessages(t) {
  const sandbox = await sandboxFor(t);
  const given = { sandbox, tokens: managerFor(t, fluz(sandbox)) };
  const lines = [];
  for (const [group, calls] of Object.entries(FAILING_CALLS)) {
    lines.push(`# ${group}`, "");
    for (const [title, call] of Object.entries(calls)) {
      lines.push(`${title}:`, `  ${await messageOf(call, given)}`);
    }
    lines.push("");
  }
  return lines;
}

/** Returns the line on standard error, after the checks that hold for each wrong command. @param {string[]} words */
async function commandMessage(words) {
  const { status, stdout, stderr } = await run(words, { env: ENVIRONMENT });

  const title = words.join(" ").replaceAll(SECRET, "…");
  assert.deepEqual([status, stdout], [2, ""], title);
  assert.match(stderr, /^graphql-token-manager[^\n]*\n$/, title);
  assert.ok(!stderr.includes(SECRET), title);
  return [`${title}:`, `  ${withoutProviders(stderr.trim())}`];
}

async function commandMessages() {
  const lines = ["# Command line", ""];
  for (let index = 0; index < WRONG_COMMANDS.length; index += PROCESSES) {
    const some = WRONG_COMMANDS.slice(index, index + PROCESSES);
    lines.push(...(await Promise.all(some.map(commandMessage))).flat());
  }
  return lines;
}

test("each message has the recorded text, and each wrong command ends with status 2 and one line", async (t) => {
  const text = [...(await libraryMessages(t)), ...(await commandMessages()), ""].join("\n");

  if (process.env.UPDATE_MESSAGES) await writeFile(RECORDED, text);
  assert.equal(text, await readFile(RECORDED, "utf8"));
});
