/**
 * How commands end: their statuses, which are a part of the contract since scripts branch on them, and what they throw.
 *
 * @module
 */

/** What was asked for was done. */
export const DONE = 0;
/** It failed, and the same call will fail again. */
export const FAILED = 1;
/** The command line, or a file or variable that it names, is wrong. Nobody was asked for anything. */
export const MISUSED = 2;
/** It failed, and may succeed later: EX_TEMPFAIL of sysexits.h, which supervisors know. */
export const TRY_LATER = 75;

/** The command line is wrong. */
export class UsageError extends Error {
  name = "UsageError";
  code = "usage";
}

/** Something else failed that a user can put right. */
export class CommandError extends Error {
  name = "CommandError";

  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
