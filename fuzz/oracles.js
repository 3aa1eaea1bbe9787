/**
 * Checks for every case of every target, and checks shared by several targets.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { inspect } from "node:util";
import { TokenError } from "graphql-token-manager";

/** All error codes in the type declarations. */
const CODES = await documentedCodes();

/** Reads the members of `TokenErrorCode` from the installed package. */
async function documentedCodes() {
  const types = await readFile(new URL("errors.d.ts", import.meta.resolve("graphql-token-manager")), "utf8");
  const [, union = ""] = /export type TokenErrorCode =([^;]+);/.exec(types) ?? [];
  const codes = new Set([...union.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code));
  assert.ok(codes.size > 10, "the types list no error codes");
  return codes;
}

/** Part of each secret in a case. */
export const SECRET = "s3cr3t";

/**
 * Maximum CPU time of one case, in milliseconds; wall-clock time would depend on other load. Inputs are at most a few
 * MiB, so code with quadratic complexity exceeds it by far.
 */
const MOST_WORK_MS = 4_000;

/** @type {unknown[]} */
const lost = [];
process.on("unhandledRejection", (reason) => lost.push(reason));
process.on("uncaughtException", (reason) => lost.push(reason));

/**
 * Returns the check of a target, extended to fail on an unhandled rejection or excessive CPU time.
 * @param {(input: any) => Promise<void>} check
 */
export function guarded(check) {
  return async (/** @type {unknown} */ input) => {
    lost.length = 0;
    const before = process.cpuUsage();
    await check(input);
    // Node reports unhandled rejections after the microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    const { user, system } = process.cpuUsage(before);
    const [first] = lost;
    if (first !== undefined) throw new Error("a rejection or an exception was lost", { cause: first });
    const ms = (user + system) / 1000;
    assert.ok(ms < MOST_WORK_MS, `the case took ${ms.toFixed(0)} ms of processor time`);
  };
}

/**
 * Returns the result of a call. The call must settle, and an error must have a documented code.
 * @template T
 * @param {Promise<T> | (() => Promise<T>)} call
 * @param {readonly string[]} [secrets] Strings that an error must not contain, in addition to `SECRET`.
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
 * Fails if a value exposes a secret in any printed form.
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
 * Returns true if the text has no characters that a terminal interprets: C0 and C1 controls, and bidirectional
 * controls.
 * @param {string} text
 */
export const isPrintable = (text) =>
  !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(text);

/** Returns true for a valid scope token (RFC 6749, 3.3). @param {unknown} scope */
export const isScopeToken = (scope) => typeof scope === "string" && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope);

/**
 * Checks a token that a caller received: it is a valid header value, its times are dates, and printing it does not
 * expose it.
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
