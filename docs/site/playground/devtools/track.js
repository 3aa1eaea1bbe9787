/**
 * Records the tokens and acquisitions of a manager or session in a timeline, from its public events and its status.
 *
 * @module
 */

/** @import { Status, TokenEvent } from "graphql-token-manager" */
/** @import { TimelineLog } from "./timeline-log.js" */

/**
 * The part of a manager or session that is used.
 *
 * @typedef {object} Observed
 * @property {() => Status} status
 * @property {(type: any, listener: (event: any) => void) => () => void} on
 */

/**
 * Starts recording. Returns the function that ends it.
 *
 * @param {TimelineLog} log
 * @param {string} lane
 * @param {Observed} tokens
 * @param {() => number} now The clock of the log.
 */
export function trackTokens(log, lane, tokens, now) {
  /** The attempt in progress. @type {import("./timeline-log.js").AttemptBar | undefined} */
  let attempt;
  const end = (/** @type {"token" | "failed"} */ result) => {
    if (attempt !== undefined) log.attemptEnded(attempt, now(), result);
    attempt = undefined;
  };
  const note = (/** @type {string} */ text) => log.note(lane, now(), text);

  /** @type {{ [Type in TokenEvent["type"]]?: (event: Extract<TokenEvent, { type: Type }>) => void }} */
  const listeners = {
    change: () => {
      const { refreshing } = tokens.status();
      if (refreshing && attempt === undefined) attempt = log.attemptStarted(lane, now());
      if (!refreshing) end("failed");
    },
    token: ({ reason }) => {
      // An adopted or shared token ends no attempt.
      if (reason !== "adopted" && reason !== "shared") end("token");
      const { expiresInMs = 0, refreshAt } = tokens.status();
      const at = now();
      log.token(lane, {
        at,
        expiresAt: at + expiresInMs,
        refreshAt: refreshAt === undefined ? undefined : at + (refreshAt - Date.now()),
      });
      note(`token: ${reason}`);
    },
    retry: ({ attempt: number, delayMs, code }) => {
      end("failed");
      // The attempt that follows begins after the delay.
      attempt = log.attemptStarted(lane, now() + delayMs);
      note(`retry: ${code}, attempt ${number} in ${Math.round(delayMs)} ms`);
    },
    error: ({ error, tokenStillValid }) => {
      end("failed");
      note(`error: ${error.code}, ${tokenStillValid ? "the cached token is still valid" : "no token left"}`);
    },
    expired: () => note("expired"),
    cleared: () => {
      log.tokenEnded(lane, now());
      note("cleared");
    },
    warning: ({ code }) => note(`warning: ${code}`),
  };
  const ends = Object.entries(listeners).map(([type, listener]) => tokens.on(type, listener));
  return () => ends.forEach((remove) => remove());
}
