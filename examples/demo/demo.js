/**
 * Demonstrates the package over real HTTP: tokens of three APIs, each obtained once for any number of callers and
 * refreshed while calls continue.
 *
 *     cargo xtask demo                 builds the package first
 *     node examples/demo/demo.js       with the package installed
 *
 * README.md describes the output, `--help` the options.
 *
 * @module
 */

import { HELP, parse } from "./options.js";
import { Screen } from "./screen.js";

/** @import { Claim } from "./claims.js" */
/** @import { Demo, Plan } from "./run.js" */

const began = performance.now();

let plan;
try {
  plan = parse(process.argv.slice(2));
} catch (error) {
  console.error(`${messageOf(error)}\n\n${HELP}`);
  process.exit(2);
}
if (plan === "help") console.log(HELP);
else process.exitCode = await show(plan);

/**
 * @param {Plan} plan
 * @returns {Promise<number>} the exit status
 */
async function show(plan) {
  const screen = new Screen(process.stdout, process.env);
  /** @type {Demo | undefined} */
  let demo;
  endOnSignals(screen, () => demo?.close());
  screen.say(screen.paint.bold("graphql-token-manager: tokens that are there when they are needed"));
  try {
    // Imported after the first line is printed, because loading takes half a second.
    const { Demo } = await import("./run.js");
    demo = new Demo(plan, screen);
    return conclude(await demo.run(), screen);
  } catch (error) {
    screen.rest();
    console.error(`The demo could not run: ${messageOf(error)}`);
    if (isMissing(error)) console.error("`cargo xtask demo` builds and installs what it needs.");
    return 1;
  } finally {
    await demo?.close();
  }
}

/**
 * @param {Claim[]} claims
 * @param {Screen} screen
 */
function conclude(claims, screen) {
  const failed = claims.filter(({ holds }) => !holds);
  const took = `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  if (failed.length === 0) {
    screen.say(screen.paint.good(`All ${claims.length} claims held. (${took})`));
    return 0;
  }
  screen.say(
    screen.paint.bad(`${failed.length} of ${claims.length} claims failed (${took}):`),
    ...failed.map(({ title }) => `   ${title}`),
  );
  return 1;
}

/**
 * @param {Screen} screen
 * @param {() => Promise<void> | undefined} close
 */
function endOnSignals(screen, close) {
  for (const [signal, status] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])) {
    process.once(signal, async () => {
      screen.mute();
      console.log("\nStopped.");
      await close();
      process.exit(status);
    });
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}
