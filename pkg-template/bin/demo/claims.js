/**
 * The claims of the demo, each checked against the counts of the program and of the sandbox.
 *
 * The presentation is in `tables.js` and `screen.js`.
 *
 * @module
 */

/** @import { ProviderCounts } from "graphql-token-manager/testing" */
/** @import { Client } from "./client.js" */

/**
 * One API after the run.
 * @typedef {object} Outcome
 * @property {Client} client Counts of the program.
 * @property {ProviderCounts} server Counts of the sandbox.
 * @property {Burst} burst
 */

/**
 * Result of the concurrent callers, recorded as soon as all of them had their tokens.
 * @typedef {object} Burst
 * @property {number} callers
 * @property {number} distinct Number of distinct tokens that they received.
 * @property {number} tokenRequests Number of requests that the program sent for them.
 * @property {number} grants Number of grants that the sandbox counted.
 */

/**
 * `reasons`: the counts of each API for which the claim failed.
 *
 * @typedef {{ title: string, holds: boolean, reasons: string[] }} ClaimResult
 */

/**
 * @param {Outcome[]} outcomes
 * @param {{ callers: number, ticks: number, everyMs: number, latestMs: number }} plan The plan, and the maximum delay
 *   at the start of a call.
 * @returns {ClaimResult[]}
 */
export function checkClaims(outcomes, plan) {
  return [
    oneGrant(outcomes, plan.callers),
    onSchedule(outcomes, plan),
    noneRefused(outcomes),
    noneWaited(outcomes),
    aheadOfExpiry(outcomes),
    adopted(outcomes),
  ];
}

/**
 * @param {Outcome[]} outcomes
 * @param {number} callers
 */
function oneGrant(outcomes, callers) {
  return checkClaim(
    `${callers.toLocaleString("en")} callers at once were answered by one grant`,
    outcomes,
    ({ burst }) =>
      burst.callers === callers && burst.distinct === 1 && burst.tokenRequests === 1 && burst.grants === 1,
    ({ burst }) => `${burst.tokenRequests} asked for, ${burst.grants} counted by the sandbox`,
  );
}

/**
 * @param {Outcome[]} outcomes
 * @param {{ ticks: number, everyMs: number, latestMs: number }} plan
 */
function onSchedule(outcomes, { ticks, everyMs, latestMs }) {
  return checkClaim(
    `A call every ${everyMs} ms, answered, to the end (the latest began ${latestMs.toFixed(0)} ms late)`,
    outcomes,
    ({ client, server }) => client.calls === ticks && client.answered === ticks && server.calls === ticks,
    ({ client, server }) => `${client.answered} of ${ticks} answered, ${server.calls} counted by the sandbox`,
  );
}

/** @param {Outcome[]} outcomes */
function noneRefused(outcomes) {
  return checkClaim(
    "No call was refused",
    outcomes,
    ({ client, server }) => client.refused === 0 && client.failed === 0 && server.refused === 0,
    ({ client, server }) =>
      `${client.refused} refused, ${client.failed} failed; ${server.refused} refused by the sandbox`,
  );
}

/** @param {Outcome[]} outcomes */
function noneWaited(outcomes) {
  return checkClaim(
    "No call waited for its token, also while a new one was being asked for",
    outcomes,
    ({ client }) => client.waited === 0 && (client.callsDuringRefresh > 0 || client.refreshes.length === 0),
    ({ client }) =>
      `${client.waited} of ${client.calls} waited, ${client.callsDuringRefresh} begun during a refresh; ` +
      `longest ${client.longestMs.toFixed(1)} ms`,
  );
}

/** @param {Outcome[]} outcomes */
function aheadOfExpiry(outcomes) {
  return checkClaim(
    "Every new token came before the old one ended, as both sides counted",
    outcomes,
    ({ client, server }) =>
      client.unexpectedEvents === 0 &&
      client.replaced >= 2 &&
      client.received === 1 + client.replaced &&
      client.received === server.grants + server.refreshes &&
      client.tokenRequests === 1 + client.refreshes.length &&
      client.refreshes.every(({ aheadMs }) => aheadMs > 0),
    ({ client, server }) =>
      `${client.received} tokens, ${server.grants + server.refreshes} counted by the sandbox, ` +
      `${client.replaced} ahead of expiry; asked for ${client.tokenRequests} times; ${client.unexpectedEvents} unexpected events`,
  );
}

/** @param {Outcome[]} outcomes */
function adopted(outcomes) {
  return checkClaim(
    "Toggle's new tokens were taken from its answers, with no second sign-in",
    outcomes.filter(({ client }) => client.api.name === "toggle"),
    ({ client, server }) =>
      server.refreshes > 0 && client.tokens.adopted === server.refreshes && server.grants === 1,
    ({ client, server }) =>
      `${client.tokens.adopted ?? 0} taken, ${server.refreshes} sent by the sandbox, signed in ${server.grants} time(s)`,
  );
}

/**
 * Returns a claim that holds if it holds for each API.
 *
 * @param {string} title
 * @param {Outcome[]} outcomes
 * @param {(outcome: Outcome) => boolean} holds
 * @param {(outcome: Outcome) => string} describe
 * @returns {ClaimResult}
 */
function checkClaim(title, outcomes, holds, describe) {
  const broken = outcomes.filter((outcome) => !holds(outcome));
  return {
    title,
    holds: broken.length === 0 && outcomes.length > 0,
    reasons: broken.map((outcome) => `${outcome.client.api.label}: ${describe(outcome)}`),
  };
}
