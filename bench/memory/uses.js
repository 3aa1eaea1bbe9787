/**
 * The uses that are checked for memory leaks.
 *
 * @module
 */

import { TokenManager } from "graphql-token-manager";

/**
 * @typedef {object} Use
 * @property {string} name
 * @property {number} times
 * @property {() => (times: number) => Promise<unknown>} start
 */

/** @type {Use[]} */
export const USES = [
  { name: "`getToken()` of a cached token", times: 1_000_000, start: reading },
  { name: "`getAccessToken()`, which asks the core", times: 100_000, start: asking },
  { name: "`refresh()`", times: 10_000, start: refreshing },
  { name: "a manager made, used and closed", times: 10_000, start: opening },
  { name: "a manager made, used and left to the collector", times: 10_000, start: leaving },
];

const make = () =>
  new TokenManager({
    provider: {
      name: "bench",
      endpoint: "https://auth.bench.test",
      grant: async () => ({ accessToken: `${Math.random()}-${"x".repeat(280)}`, expiresInMs: 3_600_000 }),
    },
  });

function reading() {
  const tokens = make();
  return async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time++) await tokens.getToken();
  };
}

function asking() {
  const tokens = make();
  return async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time++) await tokens.getAccessToken();
  };
}

function refreshing() {
  const tokens = make();
  return async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time++) await tokens.refresh();
  };
}

function opening() {
  return async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time++) {
      const tokens = make();
      await tokens.getToken();
      await tokens.close();
    }
  };
}

function leaving() {
  return async (/** @type {number} */ times) => {
    for (let time = 0; time < times; time++) {
      await make().getToken();
      // Finalizers run between tasks only.
      if (time % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
  };
}
