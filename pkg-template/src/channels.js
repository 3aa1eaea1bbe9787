// The diagnostics channels of Node, Deno and Bun, on which tracing tools receive the steps of all managers.

/** @import { Channel, TracingChannel } from "node:diagnostics_channel" */

/**
 * @typedef {object} Channels
 * @property {TracingChannel<any>} grant
 * @property {(name: string) => Channel} point returns the channel of a single step
 * @property {() => <T>(action: () => T) => T} snapshot returns a function that runs another one in the current
 *   asynchronous context
 */

/** Looked up at the first use, because importing the package must have no side effect. @type {Channels | null | undefined} */
let channels;

/** Returns the channels, which all copies of the package share; `null` where the host has none. */
export function diagnosticsChannels() {
  if (channels === undefined) {
    try {
      channels = open();
    } catch {
      channels = null;
    }
  }
  return channels;
}

/** @returns {Channels} */
function open() {
  // Not an import, which browsers cannot resolve. Node has this function from 20.16 on.
  const { process } = /** @type {any} */ (globalThis);
  const { channel, tracingChannel } = process.getBuiltinModule("node:diagnostics_channel");
  const { AsyncLocalStorage } = process.getBuiltinModule("node:async_hooks");
  const point = (/** @type {string} */ name) => channel(`graphql-token-manager:${name}`);
  return {
    grant: tracingChannel("graphql-token-manager:grant"),
    point,
    snapshot: () => AsyncLocalStorage.snapshot(),
  };
}

/** Returns the channel of grants if it has subscribers. */
export function observedGrants() {
  const grant = diagnosticsChannels()?.grant;
  // A host without this property gets messages that may have no subscriber.
  return grant?.hasSubscribers === false ? undefined : grant;
}

/**
 * Returns a function that runs another one in the asynchronous context of the current caller, so that a grant is attributed
 * to the caller that caused it; `undefined` unless grants have subscribers.
 */
export function callerContext() {
  return observedGrants() && diagnosticsChannels()?.snapshot();
}
