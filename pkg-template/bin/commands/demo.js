/**
 * The command `demo`: shows over real HTTP that each token is obtained once for any number of callers, and refreshed
 * while calls continue.
 *
 * @module
 */

import { constants } from "node:os";
import { EXIT_FAILURE, EXIT_OK } from "../errors.js";
import { Screen } from "../demo/screen.js";
import { onSignal } from "../signals.js";
import { whole } from "../args.js";

/** @import { Command } from "../main.js" */
/** @import { Arguments } from "../args.js" */
/** @import { ClaimResult } from "../demo/claims.js" */
/** @import { Demo, Plan } from "../demo/run.js" */

/** @type {Command} */
export const demo = {
  about: "show how tokens are got, shared and renewed, against a sandbox on this machine",
  flags: {
    seconds: { value: "N", about: "how long calls are made, 10 to 3600 (default 22)" },
    "grant-ms": { value: "N", about: "how long the sandbox takes for a token, 100 to 10000 (default 200)" },
    revoke: { about: "withdraw all tokens halfway: calls are refused, and the demo fails" },
  },
  text: `Shows a thousand callers at once with one request for a token, and calls every 50 ms while tokens expire; then checks
six claims against the counts of the program and of the sandbox. Takes about 24 seconds, and needs no account and no
network. With --json, prints only the claims: {"claims": [{"title", "holds", "reasons"}]}.

Ends with 0 if all claims held, with 1 if not, and with 130 after Ctrl-C. With --grant-ms 5000, tokens expire before new
ones come, and the demo fails. Needs the packages graphql and graphql-yoga.`,
  examples: ["graphql-token-manager demo", "graphql-token-manager demo --seconds 10 --revoke"],
  async run({ args, json, print }) {
    const plan = planOf(args);
    const screen = new Screen(process.stdout, process.env);
    if (json) screen.mute();
    const claims = await show(plan, screen);
    if (typeof claims === "number") return claims;
    if (json) print(JSON.stringify({ claims }));
    return claims.every(({ holds }) => holds) ? EXIT_OK : EXIT_FAILURE;
  },
};

/**
 * @param {Arguments} args
 * @returns {Plan}
 */
function planOf(args) {
  return {
    // At least ten seconds, for two refreshes of each token.
    seconds: whole("seconds", args.one("seconds") ?? "22", 10, 3_600),
    // At least 100 ms, so that two calls start during a grant.
    grantMs: whole("grant-ms", args.one("grant-ms") ?? "200", 100, 10_000),
    revoke: args.has("revoke"),
  };
}

/**
 * @param {Plan} plan
 * @param {Screen} screen
 * @returns {Promise<ClaimResult[] | number>} the claims, or the exit status if a signal ended the demo
 */
async function show(plan, screen) {
  const began = performance.now();
  screen.print(screen.paint.bold("graphql-token-manager: tokens that are there when they are needed"));
  // Imported after the first line is printed, because loading takes half a second.
  const { Demo } = await import("../demo/run.js");
  const demo = new Demo(plan, screen);
  /** @type {(status: number) => void} */
  let stop = () => {};
  /** @type {Promise<number>} */
  const stopped = new Promise((resolve) => (stop = resolve));
  const end = onSignal((signal) => {
    screen.mute();
    console.error("Stopped.");
    stop(128 + constants.signals[signal]);
  });
  try {
    const run = demo.run();
    // A demo that is closed while it runs may fail.
    run.catch(() => {});
    const outcome = await Promise.race([run, stopped]);
    if (typeof outcome !== "number") conclude(outcome, screen, performance.now() - began);
    return outcome;
  } finally {
    screen.rest();
    end();
    await demo.close();
  }
}

/**
 * @param {ClaimResult[]} claims
 * @param {Screen} screen
 * @param {number} tookMs
 */
function conclude(claims, screen, tookMs) {
  const failed = claims.filter(({ holds }) => !holds);
  const took = `${(tookMs / 1_000).toFixed(1)} s`;
  if (failed.length === 0) {
    screen.print(screen.paint.good(`All ${claims.length} claims held. (${took})`));
    return;
  }
  screen.print(
    screen.paint.bad(`${failed.length} of ${claims.length} claims failed (${took}):`),
    ...failed.map(({ title }) => `   ${title}`),
  );
}
