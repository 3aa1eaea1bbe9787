/**
 * The lifetime of access tokens that servers are configured with, in whole seconds.
 *
 * @module
 */

import { currentPace } from "../support/pace.js";

/** Short, since tests wait for it, and long enough for a log-in within its refresh window, a quarter. */
const SHORTEST_MS = 8_000;
/** At the maximum, the tests of a server take three minutes. */
const MAX_PACE = 2;
/** Gives processes that a test starts its own lifetime. */
const VARIABLE = "SERVER_TOKEN_LIFETIME_MS";

/** 8 s, and 16 s on a busy machine. */
export const LIFETIME_MS = Number(
  (process.env[VARIABLE] ??= `${SHORTEST_MS * Math.min(currentPace(), MAX_PACE)}`),
);
