/**
 * What holds for each case of each target, and the checks that several of them use.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { inspect } from "node:util";
import { TokenError } from "graphql-token-manager";

/** Every code that the types list. */
const CODES = await documentedCodes();

/** The members of `TokenErrorCode`, as the installed package declares them. */
async function documentedCodes() {
  const types = await readFile(new URL("index.d.ts", import.meta.resolve("graphql-token-manager")), "utf8");
  const [, union = ""] = /export type TokenErrorCode =([^;]+);/.exec(types) ?? [];
  const codes = new Set([...union.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code));
  assert.ok(codes.size > 10, "the types list no error codes");
  return codes;
}

/** Marks every secret that a case plants. */
export const SECRET = "s3cr3t";

/**
 * Processor time that one case may take, in milliseconds: real time would depend on what else the machine does. No input
 * is longer than a few MiB; code whose work grows with the square of that takes far longer.
 */
const MOST_WORK_MS = 4_000;

/** @type {unknown[]} */
const lost = [];
process.on("unhandledRejection", (reason) => lost.push(reason));
process.on("uncaughtException", (reason) => lost.push(reason));

/**
 * The check of a target, which also fails where a rejection is lost or the work is out of proportion.
 * @param {(input: any) => Promise<void>} check
 */
export function guarded(check) {
  return async (/** @type {unknown} */ input) => {
    lost.length = 0;
    const before = process.cpuUsage();
    await check(input);
    // Node reports a lost rejection once the microtasks are done.
    await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    const [first] = lost;
    if (first !== undefined) throw new Error("a rejection or an exception was lost", { cause: first });
    const ms = (user + system) / 1000;
    assert.ok(ms < MOST_WORK_MS, `the case took ${ms.toFixed(0)} ms of processor time`);
  };
}

/**
 * How a call ended. It has to end, and an error has to be one that the documentation lists.
 * @template T
 * @param {Promise<T> | (() => Promise<T>)} call
 * @param {readonly string[]} [secrets] What no error may show, besides what is marked.
 * @returns {Promise<{ value: T, error?: undefined } | { value?: undefined, error: TokenError }>}
 */
export async function settled(call, secrets = []) {
  try {
    return { value: await (typeof call === "function" ? call() : call) };
  } catch (error) {
    assertDocumented(error, secrets);
    return { error: /** @type {TokenError} */ (error) };
  }
}

/**
 * @param {unknown} error
 * @param {readonly string[]} [secrets]
 */
export function assertDocumented(error, secrets = []) {
  assert.ok(TokenError.is(error), `rejected with something else than a TokenError: ${inspect(error)}`);
  assert.ok(CODES.has(error.code), `the code ${error.code} is not documented`);
  assert.ok(error.message.length < 2_000, `a message of ${error.message.length} characters`);
  assert.ok(isPrintable(error.message), `a control character in ${JSON.stringify(error.message)}`);
  assertHidden(error, secrets);
}

/**
 * Fails where a value shows a secret, however it is printed.
 * @param {unknown} value
 * @param {readonly string[]} [secrets]
 */
export function assertHidden(value, secrets = []) {
  const ways = [
    String(value),
    `${JSON.stringify(value)}`,
    inspect(value, { depth: 8, showHidden: true, customInspect: false }),
    inspect(value, { depth: 8 }),
  ];
  for (const secret of [SECRET, ...secrets]) {
    for (const text of ways) assert.ok(!text.includes(secret), `a secret is shown in ${text.slice(0, 400)}`);
  }
}

/**
 * No character that a terminal acts upon: C0 and C1 controls, and those that change the direction of writing.
 * @param {string} text
 */
export const isPrintable = (text) =>
  !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text);

/** RFC 6749, 3.3. @param {unknown} scope */
export const isScopeToken = (scope) => typeof scope === "string" && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);

/**
 * A token that was given out: it can be sent, its times are dates, and it does not print itself.
 * @param {import("graphql-token-manager").AccessToken} token
 */
export function assertToken(token) {
  assert.match(token.value, /^[\x21-\x7e]+$/);
  assert.equal(token.tokenType, "Bearer");
  for (const at of [token.issuedAt, token.expiresAt]) new Date(at).toISOString();
  assert.ok(token.expiresAt > token.issuedAt, "it expired before it was issued");
  for (const scope of token.scopes) assert.ok(isScopeToken(scope), `the scope ${JSON.stringify(scope)}`);
  if (token.value.length > 5) assertHidden(token, [token.value]);
}
