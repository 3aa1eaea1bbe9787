/**
 * The effect of each fault of the sandbox, in one table.
 *
 * @module
 */

/** @import { FaultSpec, ProviderName } from "graphql-token-manager/testing" */
/** @import { TokenErrorCode } from "graphql-token-manager" */

/**
 * The effect of a fault.
 *
 * `harmless`: the token is received nevertheless · `passes`: retried after a backoff · `final`: not retried.
 * @typedef {{ is: "harmless", warning?: string } | { is: "passes" | "final", code: TokenErrorCode }}
 *   Meaning
 */

/** @type {Meaning} */
const harmless = { is: "harmless" };
/** @type {(code: TokenErrorCode) => Meaning} */
const passes = (code) => ({ is: "passes", code });
/** @type {(code: TokenErrorCode) => Meaning} */
const final = (code) => ({ is: "final", code });

/** @param {Record<string, unknown>} error */
const errors = (error) =>
  JSON.stringify({ data: null, errors: [{ message: "planted-in-the-body", ...error }] });
/** @param {string} errorClass */
const braintreeError = (errorClass) => errors({ extensions: { errorClass, errorType: "developer_error" } });
/** @param {string} code */
const coded = (code) => errors({ extensions: { code } });

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {FaultSpec} fault
 * @property {Meaning} means For each API that is not in `but`.
 * @property {Partial<Record<ProviderName, Meaning>>} [but]
 * @property {string} [because] The reason for the difference.
 * @property {ProviderName[]} [only] The APIs to which the fault applies.
 */

/** The meaning of an error without an explanation. */
const UNEXPLAINED = final("protocol");

const OTHERS =
  "Toggle has no codes, and the errors of an API that is described by a user are not known, so they count as a rejection";

/** @type {Row[]} */
export const FAULTS = [
  { title: "no response in time", fault: { kind: "delay", ms: 60_000 }, means: passes("timeout") },
  {
    title: "a connection cut before the operation was executed",
    fault: { kind: "drop", when: "before" },
    means: passes("network"),
  },
  {
    title: "a connection cut after the operation was executed",
    fault: { kind: "drop", when: "after" },
    means: passes("network"),
  },
  { title: "a truncated response", fault: { kind: "truncate" }, means: passes("network") },
  { title: "500", fault: { kind: "status", status: 500 }, means: passes("server") },
  {
    title: "503 with Retry-After: 0",
    fault: { kind: "status", status: 503, retryAfter: 0 },
    means: passes("server"),
  },
  { title: "429", fault: { kind: "status", status: 429 }, means: passes("rate_limited") },
  {
    title: "429 with Retry-After: 3600",
    fault: { kind: "status", status: 429, retryAfter: 3_600 },
    means: final("rate_limited"),
  },
  { title: "401", fault: { kind: "status", status: 401 }, means: final("invalid_credentials") },
  { title: "403 with an HTML page", fault: { kind: "status", status: 403 }, means: passes("protocol") },
  {
    title: "403 in JSON",
    fault: { kind: "status", status: 403, body: '{"message":"planted-in-the-body"}' },
    means: final("invalid_credentials"),
  },
  { title: "a redirect", fault: { kind: "status", status: 307 }, means: passes("protocol") },
  { title: "a captive portal's page", fault: { kind: "html" }, means: passes("protocol") },
  {
    title: "invalid JSON",
    fault: { kind: "invalid-json" },
    means: passes("protocol"),
    but: { toggle: harmless },
    because: "Toggle's token is in a header, and the body is not needed",
  },
  { title: "a response of two mebibytes", fault: { kind: "oversize" }, means: final("protocol") },
  {
    title: "no token",
    fault: { kind: "no-token" },
    means: final("protocol"),
    but: { acme: final("invalid_credentials") },
    because: "APIs that are described by users report wrong credentials by `null` instead of a token",
  },
  {
    title: "a token that is not valid in a header",
    fault: { kind: "bad-token", value: "two words" },
    means: final("protocol"),
  },
  {
    title: "fewer scopes",
    fault: { kind: "narrow", scopes: ["LIST_OFFERS"] },
    means: harmless,
    only: ["fluz", "braintree"],
    but: { fluz: { is: "harmless", warning: "insufficient_scope" } },
    because: "only Fluz's response lists the granted scopes",
  },
  { title: "a Date a day ahead", fault: { kind: "date", offsetMs: 86_400_000 }, means: harmless },
  { title: "a Date a day behind", fault: { kind: "date", offsetMs: -86_400_000 }, means: harmless },
  { title: "no Date", fault: { kind: "omit-date" }, means: harmless },
  ...["RESOURCE_LIMIT", "AUTHORIZATION"].map(
    (errorClass) =>
      /** @type {Row} */ ({
        title: `200 with Braintree's ${errorClass}`,
        fault: { kind: "status", status: 200, body: braintreeError(errorClass) },
        means: UNEXPLAINED,
        but: {
          braintree: errorClass.startsWith("AUTH")
            ? final("invalid_credentials")
            : passes(errorClass === "RESOURCE_LIMIT" ? "rate_limited" : "server"),
          toggle: final("invalid_credentials"),
          acme: final("invalid_credentials"),
        },
        because: `only Braintree has error classes; ${OTHERS}`,
      }),
  ),
  {
    title: "200 with Fluz's AUTH-0008",
    fault: { kind: "status", status: 200, body: coded("AUTH-0008") },
    means: UNEXPLAINED,
    but: {
      fluz: final("invalid_credentials"),
      toggle: final("invalid_credentials"),
      acme: final("invalid_credentials"),
    },
    because: `only Fluz has this code; ${OTHERS}`,
  },
  {
    title: "200 with UNAUTHENTICATED",
    fault: { kind: "status", status: 200, body: coded("UNAUTHENTICATED") },
    means: final("invalid_credentials"),
    but: { braintree: UNEXPLAINED },
    because: "Braintree classifies by `errorClass` and has no codes",
  },
];

/**
 * @param {Row} row
 * @param {ProviderName} name
 */
export const meaningOf = (row, name) => row.but?.[name] ?? row.means;
