/**
 * The settings of a run, and presets that each show one promise.
 *
 * @module
 */

/** @import { ApiName } from "./apis.js" */
/** @import { FaultName } from "./faults.js" */

/**
 * @typedef {object} Settings
 * @property {ApiName} provider
 * @property {number} lifetimeMs Lifetime of a token.
 * @property {number} latencyMs Time of each request.
 * @property {number} callers Callers for a token at the start, for each user.
 * @property {number} callEveryMs Interval between two calls to the API, for each user; 0 for none.
 * @property {number} users Users with a session each, at APIs that have users.
 * @property {number} marginMs The fixed margin of the hand-written cache.
 * @property {number} clockOffsetMs By how much the provider's clock is ahead of the device's.
 * @property {boolean} rotate Whether Toggle replaces the token with each response.
 * @property {number} durationMs Length of the run.
 */

/** @typedef {{ atMs: number, fault: FaultName }} Step */

/**
 * @typedef {object} Preset
 * @property {string} id
 * @property {string} title
 * @property {string} about What happens, and what to look at.
 * @property {Partial<Settings>} settings
 * @property {readonly Step[]} script
 */

/** @type {Readonly<Settings>} */
export const DEFAULTS = Object.freeze({
  provider: "fluz",
  lifetimeMs: 4_000,
  latencyMs: 300,
  callers: 1,
  callEveryMs: 250,
  users: 1,
  marginMs: 1_000,
  clockOffsetMs: 0,
  rotate: false,
  durationMs: 10_000,
});

/** @type {readonly Preset[]} */
export const PRESETS = [
  {
    id: "callers",
    title: "1,000 callers, one grant",
    about:
      "A thousand callers ask for a token at the same moment. The manager sends one request for all of them; the cache sends one for each.",
    settings: { callers: 1_000, latencyMs: 600, lifetimeMs: 30_000, callEveryMs: 0, durationMs: 4_000 },
    script: [],
  },
  {
    id: "refresh",
    title: "Renewed before it expires",
    about:
      "Tokens live for 5 s and a request takes 0.6 s. The manager renews in the background, and calls wait for the first token only; with the cache, calls wait at each renewal.",
    settings: { latencyMs: 600, lifetimeMs: 5_000 },
    script: [],
  },
  {
    id: "revoked",
    title: "Revoked in mid-flight",
    about:
      "After 3 s the provider revokes all tokens. The manager gets a new one and sends the rejected calls once more; with the cache, calls fail until the old token expires.",
    settings: { lifetimeMs: 8_000 },
    script: [{ atMs: 3_000, fault: "revoke" }],
  },
  {
    id: "outage",
    title: "Outage of the provider",
    about:
      "From 4.5 s to 6.5 s, requests for a token fail with 503. The manager repeats them, while calls use the token that is valid until 8.1 s; the cache discards it 2.5 s earlier, and fails each call in the outage.",
    settings: { lifetimeMs: 8_000, marginMs: 2_500, latencyMs: 150, callEveryMs: 200 },
    script: [{ atMs: 4_500, fault: "outage" }],
  },
  {
    id: "dropped",
    title: "Two dropped requests",
    about:
      "After 1 s, the next two requests for a token get no response. The manager repeats them, while calls use the token that is still valid; the cache passes each failure on to a call.",
    settings: { lifetimeMs: 8_000, marginMs: 2_000, latencyMs: 150 },
    script: [{ atMs: 1_000, fault: "drop" }],
  },
  {
    id: "limited",
    title: "Too many requests (429)",
    about:
      "From 5.8 s, requests for a token are answered with 429 and Retry-After: 1, for a second. The manager waits for that time, while calls use the valid token; the cache sends a request with each call.",
    settings: { lifetimeMs: 8_000, marginMs: 2_000, latencyMs: 150, callEveryMs: 200 },
    script: [{ atMs: 5_800, fault: "limit" }],
  },
  {
    id: "clock",
    title: "The device's clock is wrong",
    about:
      "Braintree states a point in time, and the device's clock is 60 s fast. The manager computes with the provider's clock; to the cache each token seems to have expired, and each call costs a grant.",
    settings: { provider: "braintree", clockOffsetMs: -60_000 },
    script: [],
  },
  {
    id: "rotation",
    title: "Rotation",
    about:
      "Toggle replaces the token with each response and revokes the old one. The manager adopts the new token from the header; the cache does not see it, and its calls fail.",
    settings: { provider: "toggle", rotate: true, lifetimeMs: 8_000, callEveryMs: 500 },
    script: [],
  },
  {
    id: "users",
    title: "Three users, one manager",
    about: "Each user has a session with a token of its own. All are renewed before they expire.",
    settings: { users: 3, callEveryMs: 400 },
    script: [],
  },
];

/** Returns the settings of a preset. @param {Preset} preset @returns {Settings} */
export const settingsOf = ({ settings }) => ({ ...DEFAULTS, ...settings });
