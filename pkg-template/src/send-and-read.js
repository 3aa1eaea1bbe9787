// The requests of grants: sending one, and reading its response.

import { readUpTo, readerOf } from "./body-reading.js";
import { failureOf } from "./fetch-failure.js";
import { memberAt, providerErrorsOf, withoutQuotations, withoutSecretScopes } from "./provider-errors.js";
import { redactor } from "./redaction.js";
import { tokensOf } from "./request-secrets.js";
import { parsed } from "./response-outline.js";
import { ALL_RULES, matchedRules } from "./rule-functions.js";
import { MAX_JSON_BYTES } from "./tables.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * Sends a request and returns the outcome as `sendRequest` in host-bindings.js describes it.
 *
 * @param {any} fetch
 * @param {string} url
 * @param {RequestInit} init
 * @param {import("./session-handle.js").SessionHandle | undefined} handle of the session
 * @param {() => string[]} known secrets and tokens
 * @param {() => string[]} ofRequest also what else may be secret in the request
 * @param {string[]} wanted
 */
export async function sendAndRead(fetch, url, init, handle, known, ofRequest, wanted) {
  const signal = /** @type {AbortSignal} */ (init.signal);
  if (typeof fetch !== "function") return "unavailable";
  const { quotesErrors = false, scopePaths = [], tokenPaths = [] } = handle?.api ?? {};
  try {
    const response = await handled(fetch(url, init));
    const found = statusAndHeaders(response, wanted);
    const reader = found && readerOf(response.body);
    // A response without a stream is empty, or comes from a user-supplied `fetch` that has only `text()`.
    if (!found || !(reader || typeof response.text === "function")) return "invalid";
    const text = reader ? await readUpTo(reader, signal) : await handled(response.text());
    if (typeof text !== "string") return reader ? "too large" : "invalid";
    if (text.length > MAX_JSON_BYTES) return "too large";
    const answer = parsed(text);
    const headers = found
      .slice(1)
      .filter((value, index) => value && !PUBLIC_HEADER.test(wanted[index]))
      .flatMap(secretsIn);
    const errors = quotesErrors
      ? providerErrorsOf(answer, () => redactor([...ofRequest(), ...tokensOf(answer, headers)]))
      : undefined;
    const said = errors ? [JSON.stringify(errors), errors[0].message] : [undefined, undefined];
    const tokens = () => [...known(), ...headers, ...tokenPaths.map((path) => memberAt(answer, path))];
    const plain = withoutSecretScopes(text, answer, scopePaths, () => redactor(tokens().filter(isText)));
    const matched = handle ? matchedRules(handle, ALL_RULES, response, answer, true) : 0;
    return [withoutQuotations(plain, () => redactor(ofRequest())), ...said, matched, ...found];
  } catch (error) {
    return failureOf(error, redactor(ofRequest()));
  }
}

/** @param {unknown} value */
const isText = (value) => typeof value === "string";

/** Headers in which no token is received. */
const PUBLIC_HEADER = /^(?:date|retry-after|content-type)$/;

/**
 * Returns the status of a response and its headers named in `wanted`; `undefined` if it is not a response.
 *
 * @param {any} response
 * @param {string[]} wanted
 */
export function statusAndHeaders(response, wanted) {
  try {
    const { status, headers } = response;
    const values = wanted.map((name) => bounded(valueOf(headers, name)));
    return typeof status === "number" ? [status, ...values] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the value of a header; those of `Set-Cookie` separated by line breaks, because they may contain commas.
 *
 * @param {any} headers
 * @param {string} name
 */
function valueOf(headers, name) {
  return name === SET_COOKIE ? headers.getSetCookie?.().join("\n") : headers.get(name);
}

const SET_COOKIE = "set-cookie";

/**
 * Returns what may be secret in the value of a header: of cookies, their values.
 *
 * @param {unknown} value
 */
const secretsIn = (value) =>
  `${value}`.split("\n").flatMap((line) => [line, /^[^=;]*=\s*([^;]+)/.exec(line)?.[1]?.trim() ?? line]);

/**
 * Returns the value of a header, or `undefined` if it is longer than 65,536 characters, which is more than any server
 * sends: Node accepts 16 KiB for all headers of a response.
 *
 * @param {any} value
 */
function bounded(value) {
  return typeof value === "string" && value.length > 65_536 ? undefined : value;
}
