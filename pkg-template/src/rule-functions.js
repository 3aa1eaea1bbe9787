// The functions `when` of a description's rules, which recognize failures that lists cannot describe.
//
// They are called here, before the core judges a response, and the core receives which of them matched.

import { isObject } from "./is-object.js";
import { handled } from "../stores/foreign-promise.js";

/** The bit of each rule; see `PREDICATES` in src/options/error_rules.rs. */
const BITS = { refused: 1, denied: 2, throttled: 4, unavailable: 8 };

/** @typedef {keyof typeof BITS} RuleName */
/** @typedef {{ when: Function, every: boolean, isReported: boolean }} RuleFunction */
/** @typedef {{ [Name in RuleName]?: RuleFunction }} RuleFunctions */
/** @typedef {{ api: { name: string, rules: RuleFunctions }, notify(event: object): void }} Handle of a session */

/** All rules, which apply to the response to a grant. */
export const ALL_RULES = /** @type {RuleName[]} */ (Object.keys(BITS));

/**
 * Returns the functions of a manager's options, which the core has accepted.
 *
 * @param {any} options
 * @returns {RuleFunctions}
 */
export function ruleFunctionsOf(options) {
  const description = isObject(options?.provider) ? options.provider : options?.api;
  /** @type {RuleFunctions} */
  const functions = {};
  for (const name of ALL_RULES) {
    const { when, every = false } = description?.[name] ?? {};
    if (typeof when === "function") functions[name] = { when, every, isReported: false };
  }
  return functions;
}

/**
 * Returns the rules with a function that matches a response, as bits.
 *
 * @param {Handle} handle
 * @param {RuleName[]} names of the rules that apply
 * @param {{ status: number, headers: any }} response
 * @param {any} body of the response, if it is JSON; a batch is a list of answers
 * @param {boolean} isGrant whether it is the response to a grant or a revocation, for which each function is called
 */
export function matchedRules(handle, names, response, body, isGrant) {
  const answers = Array.isArray(body) && !isGrant ? body : [body];
  let matched = 0;
  for (const name of names) {
    const rule = handle.api.rules[name];
    if (rule === undefined) continue;
    const isCalled = (/** @type {any} */ answer) =>
      isGrant || rule.every || isFailure(response.status) || hasErrors(answer);
    if (answers.some((answer) => isCalled(answer) && holds(handle, name, rule, response, answer, isGrant)))
      matched |= BITS[name];
  }
  return matched;
}

/** @param {number} status */
export const isFailure = (status) => status < 200 || status > 299;

/** @param {any} answer */
function hasErrors(answer) {
  return (Array.isArray(answer?.errors) && answer.errors.length > 0) || (answer?.error ?? null) !== null;
}

/**
 * Calls the function of a rule. An exception, and a result other than `true` and `false`, do not match: a warning reports
 * the first of a manager, without the message, which may quote a secret.
 *
 * @param {Handle} handle
 * @param {RuleName} name
 * @param {RuleFunction} rule
 * @param {{ status: number, headers: any }} response
 * @param {any} body
 * @param {boolean} isGrant
 */
function holds(handle, name, rule, { status, headers }, body, isGrant) {
  const answer = Object.freeze({
    status,
    headers: Object.freeze({ get: (/** @type {string} */ header) => headers.get(header) ?? null }),
    errors: Array.isArray(body?.errors) ? body.errors : [],
    data: body?.data,
    body,
    isGrant,
  });
  let what = "threw an error";
  try {
    const result = rule.when(answer);
    if (typeof result === "boolean") return result;
    // A promise that is rejected would end the process.
    handled(result);
    what = "did not return true or false";
  } catch {
    // Reported below.
  }
  if (!rule.isReported) {
    rule.isReported = true;
    const message = `the function \`when\` of \`${name}\`, for ${handle.api.name}, ${what}; such a result counts as false`;
    handle.notify({ type: "warning", code: "rule_failed", message });
  }
  return false;
}
