/**
 * Tables of the demo, as lines of text.
 *
 * @module
 */

import { REAL_LIFETIMES } from "./apis.js";
import { seconds } from "./client.js";

/** @import { Api } from "./apis.js" */
/** @import { Burst, ClaimResult, Outcome } from "./claims.js" */
/** @import { Client } from "./client.js" */
/** @import { Paint } from "./paint.js" */

export const MARGIN = "   ";
export const NAME_WIDTH = 11;

/**
 * @param {Api[]} apis
 * @param {number} grantMs
 * @param {Paint} paint
 */
export function lifetimes(apis, grantMs, { dim }) {
  return [
    `${MARGIN}Their tokens end early, so that you need not wait for many to end:`,
    ...apis.map(
      ({ name, label, lifetimeMs }) =>
        `${MARGIN}${label.padEnd(NAME_WIDTH)}after ${lifetimeMs / 1_000} s ${REAL_LIFETIMES[name]}`,
    ),
    dim(`${MARGIN}A grant takes ${grantMs} ms, as from far away. Tokens and secrets are never shown.`),
  ];
}

/**
 * @param {Client} client
 * @param {Burst} burst
 */
export function burstRow({ api }, { distinct, tokenRequests, grants }) {
  const cells = [
    `${count(tokenRequests, "request")} sent`,
    `${count(grants, "grant")} counted by the sandbox`,
    distinct === 1 ? "1 token for all" : `${distinct} different tokens`,
  ];
  return MARGIN + api.label.padEnd(NAME_WIDTH) + cells.join(", ");
}

/**
 * Returns the live table: a heading and two lines per API.
 *
 * @param {Client[]} clients
 * @param {number} width
 * @param {Paint} paint
 */
export function liveTable(clients, width, paint) {
  const barWidth = barFor(width);
  return [
    paint.dim(MARGIN + heading(barWidth)),
    ...clients.flatMap((client) => [
      MARGIN + liveRow(client, barWidth, paint),
      paint.dim(
        MARGIN +
          " ".repeat(NAME_WIDTH) +
          (client.isGrantPending ? "asking for a new token" : client.lastEvent),
      ),
    ]),
  ];
}

/**
 * Returns the current state of one API, without its last event.
 *
 * @param {Client} client
 * @param {number} barWidth
 * @param {Paint} paint
 */
export function liveRow(client, barWidth, paint) {
  const { api, tokenRequests, calls, refused, failed, waited, replaced } = client;
  const left = client.leftMs();
  const bad = (/** @type {number} */ number, /** @type {number} */ width) =>
    (number > 0 ? paint.bad : paint.dim)(String(number).padStart(width));
  const cells = [
    String(replaced).padStart(9),
    String(tokenRequests).padStart(6),
    String(calls).padStart(5),
    bad(refused + failed, 7),
    bad(waited, 6),
  ];
  return (
    paint.bold(api.label.padEnd(NAME_WIDTH)) +
    paint.bar(left / api.lifetimeMs, barWidth, client.isGrantPending) +
    `${seconds(left).padStart(6)}  ` +
    cells.join(gap(barWidth))
  );
}

/** @param {number} barWidth */
export function heading(barWidth) {
  const left = barWidth > 0 ? "token ends in" : "ends in";
  const counted = ["refreshes", "grants", "calls", "refused", "waited"].join(gap(barWidth));
  return "API".padEnd(NAME_WIDTH) + left.padEnd(barWidth + 8) + counted;
}

/**
 * Returns the width of the bar that fits, or 0 if the line is too short.
 *
 * @param {number} width
 */
function barFor(width) {
  const room = Math.min(24, width - 66);
  return room < 6 ? 0 : room;
}

/** @param {number} barWidth */
function gap(barWidth) {
  return barWidth > 0 ? "  " : " ";
}

/**
 * Returns the counts of both sides: one table, or one per API if that would be too wide.
 *
 * @param {Outcome[]} outcomes
 * @param {number} width
 * @param {Paint} paint
 * @returns {string[]}
 */
export function summary(outcomes, width, paint) {
  const whole = MARGIN.length + TITLE_WIDTH + outcomes.length * 18 - 2;
  return width < whole ? outcomes.flatMap((outcome) => counted([outcome], paint)) : counted(outcomes, paint);
}

/**
 * @param {Outcome[]} outcomes
 * @param {Paint} paint
 */
function counted(outcomes, paint) {
  /** @type {(title: string, pair: (outcome: Outcome) => (string | number | undefined)[]) => string} */
  const row = (title, pair) =>
    MARGIN +
    title.padEnd(TITLE_WIDTH) +
    outcomes
      .map((outcome) =>
        pair(outcome)
          .map((cell) => String(cell ?? paint.none).padStart(8))
          .join(""),
      )
      .join("  ");
  return [
    paint.bold(
      MARGIN +
        " ".repeat(TITLE_WIDTH) +
        outcomes.map(({ client }) => client.api.label.padStart(16)).join("  "),
    ),
    paint.dim(row("", () => ["program", "sandbox"])),
    row("Grants, 1,000 callers", ({ burst }) => [burst.tokenRequests, burst.grants]),
    row("Tokens in all", ({ client, server }) => [client.received, server.grants + server.refreshes]),
    row("  taken from answers", ({ client, server }) =>
      client.tokens.adopted ? [client.tokens.adopted, server.refreshes] : [undefined, undefined],
    ),
    row("Calls", ({ client, server }) => [client.answered, server.calls]),
    row("Calls refused", ({ client, server }) => [client.refused + client.failed, server.refused]),
    row("Calls that waited", ({ client }) => [client.waited, undefined]),
    row("  longest, in ms", ({ client }) => [client.longestMs.toFixed(1), undefined]),
    row("Calls during a refresh", ({ client }) => [
      client.refreshes.length ? client.callsDuringRefresh : undefined,
      undefined,
    ]),
    row("Least left of a token", ({ client }) => [leastLeft(client), undefined]),
  ];
}

const TITLE_WIDTH = 22;

/** @param {Client} client */
function leastLeft({ refreshes }) {
  return refreshes.length > 0 ? seconds(Math.min(...refreshes.map(({ aheadMs }) => aheadMs))) : undefined;
}

/**
 * @param {ClaimResult[]} claims
 * @param {Paint} paint
 */
export function verdicts(claims, { yes, no, bad }) {
  return claims.flatMap(({ title, holds, reasons }) => [
    `${MARGIN}${holds ? yes : no} ${holds ? title : bad(title)}`,
    ...reasons.map((reason) => `${MARGIN}    ${reason}`),
  ]);
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
