/**
 * How long a test waits for what it is about, before it fails.
 *
 * @module
 */

/** Far more than anything here takes, on any machine: no test passes or fails by how fast that is. */
export const PATIENCE_MS = 240_000;
