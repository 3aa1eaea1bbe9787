/**
 * The numbers of a run: the rows of the table, and a sentence.
 *
 * @module
 */

/** @typedef {ReturnType<import("./run.js").Run["numbers"]>} Numbers */

/** `calls` is the sum of the five rows below it. @type {readonly { name: keyof Numbers["manager"], label: string, unit?: "ms" }[]} */
export const ROWS = [
  { name: "calls", label: "calls, and callers for a token" },
  { name: "served", label: "… served at once" },
  { name: "waited", label: "… waited for a token" },
  { name: "replayed", label: "… sent again with a new token" },
  { name: "failed", label: "… failed" },
  { name: "open", label: "… still open" },
  { name: "longestWaitMs", label: "longest wait for a token", unit: "ms" },
  { name: "tokenRequests", label: "requests for a token that arrived at the provider" },
  { name: "issued", label: "tokens that the provider issued" },
  { name: "refused", label: "requests whose token or credentials it rejected" },
];

/** Returns the result of a run in words. @param {Numbers} numbers */
export function sentence({ manager, cache }) {
  const of = (/** @type {Numbers["manager"]} */ { tokenRequests, waited, failed }) =>
    `${count(tokenRequests, "request")} for a token, ${waited.toLocaleString("en")} waited, ${failed.toLocaleString("en")} failed`;
  return `${count(manager.calls, "call")}. Manager: ${of(manager)}. Cache: ${of(cache)}.`;
}

/** @param {number} number @param {string} noun */
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
