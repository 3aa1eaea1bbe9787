/**
 * Timeout of tests.
 *
 * @module
 */

/** Far more than any test takes on any machine, so that the speed of the machine does not affect the result. */
export const TEST_TIMEOUT_MS = 240_000;
