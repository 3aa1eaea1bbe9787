/**
 * A process of a fleet: a manager and its callers. The parent process sends the step at which it pauses to be killed,
 * and when to end; it reports the results of its callers.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";
import { createClient } from "redis";
import { startCallers } from "./callers.js";
import { stepping } from "./stepping.js";

/** @import { SharedStore } from "graphql-token-manager" */
/** @import { Step } from "./stepping.js" */

/** Messages to a holder. @typedef {{ kill?: Step | null, goOn?: true, end?: true }} HolderMessage */
/**
 * Messages from a holder.
 *
 * @typedef {{ at?: Step, failed?: string, warned?: string, retried?: string, shared?: true, met?:
 *   import("./callers.js").Met, ended?: true }} HolderReport
 */

const { options, location, callers } = JSON.parse(process.argv[2] ?? "{}");
/** Interval of its reports, in milliseconds. The reports of a killed holder are complete up to the last one. */
const REPORT_MS = 250;

/** @type {Step | null} */
let killedAt = null;
let goOn = () => {};
const send = (/** @type {HolderReport} */ report) => void process.send?.(report);

const { store, disconnect } = await open();
const steps = stepping(store, (step) => {
  if (step !== killedAt) return undefined;
  killedAt = null;
  send({ at: step });
  return new Promise((resolve) => (goOn = resolve));
});
const tokens = new TokenManager({ ...options, ...steps });
tokens.on("warning", ({ message }) => send({ warned: message }));
tokens.on("retry", ({ code }) => send({ retried: code }));
tokens.on("token", ({ reason }) => {
  if (reason === "shared") send({ shared: true });
});
// The core is compiled first, so that calls do not wait for it.
await tokens.ready();
const { met, stop } = startCallers(tokens, callers, (failed) => send({ failed }));
const reporting = setInterval(() => send({ met }), REPORT_MS);

process.on("message", async (/** @type {HolderMessage} */ report) => {
  if (report.kill !== undefined) killedAt = report.kill;
  if (report.goOn) goOn();
  if (!report.end) return;
  await stop();
  clearInterval(reporting);
  await tokens.close();
  disconnect();
  process.send?.({ met, ended: true }, () => process.disconnect());
});

/** @returns {Promise<{ store: SharedStore, disconnect: () => void }>} */
async function open() {
  if (location.kind === "file") return { store: fileStore({ path: location.path }), disconnect: () => {} };
  const client = createClient({ url: location.url });
  // The client reconnects automatically; an error event without a listener would end the process.
  client.on("error", () => {});
  await client.connect();
  return { store: redisStore(client), disconnect: () => client.destroy() };
}
