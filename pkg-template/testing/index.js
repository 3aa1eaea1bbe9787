/**
 * `graphql-token-manager/testing`: a local GraphQL server with the documented behaviour of Fluz, Toggle and Braintree.
 *
 * This module has no side effects when it is imported; graphql and graphql-yoga are loaded when a sandbox is started.
 *
 * @module
 */

import { setMaxListeners } from "node:events";
import { setTimeout } from "node:timers/promises";
import { listen } from "./listener.js";
import { readOptions } from "./options.js";
import { createApis } from "./sandbox.js";

/** @import { Sandbox, SandboxOptions } from "./index.js" */
/** @import { Engine } from "./service.js" */

export { checkStore, storeChecks } from "./store-checks.js";

/**
 * Starts a sandbox. See `index.d.ts` for the options and the result.
 * @param {SandboxOptions} [options]
 * @returns {Promise<Sandbox>}
 */
export async function startSandbox(options) {
  const config = readOptions(options);
  const engine = await loadEngine();
  const closing = new AbortController();
  // Every delayed request adds a listener. The default limit of ten, which detects leaks, would be exceeded under
  // load.
  setMaxListeners(0, closing.signal);
  // Of `node:timers`, because a test may replace the global timers.
  const sleep = (/** @type {number} */ ms) => setTimeout(ms, undefined, { signal: closing.signal });
  const { respond, accounts, ...apis } = createApis(config, engine, sleep);
  const listener = await listen({
    port: config.port,
    responseHeaders: config.exposeHeaders ? "exposed" : "hidden",
    respond,
  });
  /** @type {Promise<void> | undefined} */
  let closed;
  const close = () => {
    closing.abort();
    closed ??= listener.close();
    return closed;
  };
  const { url } = listener;
  return { url, ...accounts(url), ...apis, close, [Symbol.asyncDispose]: close };
}

/** @returns {Promise<Engine>} */
async function loadEngine() {
  try {
    const [graphql, yoga] = await Promise.all([import("graphql"), import("graphql-yoga")]);
    return { graphql, yoga };
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!missing) throw cause;
    const remedy = "npm install --save-dev graphql graphql-yoga";
    throw new Error(
      `startSandbox needs the packages graphql and graphql-yoga, which are optional; ${remedy}`,
      { cause },
    );
  }
}
