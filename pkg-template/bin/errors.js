/**
 * Exit statuses, which are a stable interface because scripts depend on them, and the errors that commands throw.
 *
 * @module
 */

/** The command succeeded. */
export const EXIT_OK = 0;
/** The command failed, and the same call will fail again. */
export const EXIT_FAILURE = 1;
/** The command line, or a file or variable that it refers to, is invalid. No request was sent. */
export const EXIT_USAGE = 2;
/** The command failed, and may succeed later: EX_TEMPFAIL of sysexits.h, which supervisors recognise. */
export const EXIT_TEMPFAIL = 75;

/** The command line is invalid. */
export class UsageError extends Error {
  name = "UsageError";
  code = "usage";
}

/** Another failure that the user can fix. */
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
