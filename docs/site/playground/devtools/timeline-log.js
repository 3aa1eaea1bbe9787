/**
 * What a timeline shows: for each session its tokens, the acquisitions and the calls.
 *
 * Times are milliseconds of any clock that does not jump, such as `performance.now`. No token, header or body is in it.
 *
 * @module
 */

/**
 * The result of a call. `served`: a cached token was used. `waited`: the call waited for a token. `replayed`: it was sent
 * once more with a new token. `failed`: it got no token, or no successful response.
 *
 * @typedef {"served" | "waited" | "replayed" | "failed"} Outcome
 */

/** @type {readonly Outcome[]} */
export const OUTCOMES = ["served", "waited", "replayed", "failed"];

/**
 * @typedef {object} TokenBar
 * @property {number} from
 * @property {number | undefined} refreshAt Start of the refresh window.
 * @property {number} expiresAt
 * @property {number | undefined} until When it was replaced or discarded.
 */

/**
 * One attempt of an acquisition.
 *
 * @typedef {object} AttemptBar
 * @property {number} from
 * @property {number | undefined} until
 * @property {"token" | "failed" | undefined} result
 */

/**
 * @typedef {object} CallDot
 * @property {number} at
 * @property {Outcome | undefined} outcome Undefined while it is open.
 */

/**
 * @typedef {object} Lane
 * @property {string} name
 * @property {TokenBar[]} tokens
 * @property {AttemptBar[]} attempts
 * @property {CallDot[]} calls
 */

/** Most items of a kind in a lane. The oldest are removed; the counts keep them. */
const MOST_ITEMS = 5_000;

export class TimelineLog {
  /** In the order of their first use. @type {Map<string, Lane>} */
  lanes = new Map();
  /** Events in words, newest last. @type {{ at: number, lane: string, text: string }[]} */
  notes = [];
  /** Start of the time axis. */
  startedAt;
  /** Longest time that a call waited for its token, in milliseconds. */
  longestWaitMs = 0;
  #outcomes = { served: 0, waited: 0, replayed: 0, failed: 0 };
  #calls = 0;
  #tokens = 0;

  /** @param {number} startedAt */
  constructor(startedAt) {
    this.startedAt = startedAt;
  }

  /** Returns the lane with a name, and adds it at its first use. @param {string} name @returns {Lane} */
  lane(name) {
    let lane = this.lanes.get(name);
    if (lane === undefined) this.lanes.set(name, (lane = { name, tokens: [], attempts: [], calls: [] }));
    return lane;
  }

  /**
   * Adds a token, which replaces the last one.
   *
   * @param {string} name
   * @param {{ at: number, expiresAt: number, refreshAt?: number | undefined }} token
   */
  token(name, { at, expiresAt, refreshAt }) {
    this.tokenEnded(name, at);
    push(this.lane(name).tokens, { from: at, expiresAt, refreshAt, until: undefined });
    this.#tokens += 1;
  }

  /** Ends the current token before its expiry. @param {string} name @param {number} at */
  tokenEnded(name, at) {
    const last = this.lane(name).tokens.at(-1);
    if (last !== undefined && last.until === undefined && at < last.expiresAt) last.until = at;
  }

  /** Adds an attempt to get a token. @param {string} name @param {number} at */
  attemptStarted(name, at) {
    /** @type {AttemptBar} */
    const attempt = { from: at, until: undefined, result: undefined };
    push(this.lane(name).attempts, attempt);
    return attempt;
  }

  /** @param {AttemptBar} attempt @param {number} at @param {"token" | "failed"} result */
  attemptEnded(attempt, at, result) {
    attempt.until = at;
    attempt.result = result;
  }

  /**
   * Adds a call, and returns the function that reports its result.
   *
   * @param {string} name
   * @param {number} at
   * @returns {(outcome: Outcome, waitedMs: number) => void}
   */
  call(name, at) {
    /** @type {CallDot} */
    const dot = { at, outcome: undefined };
    push(this.lane(name).calls, dot);
    this.#calls += 1;
    return (outcome, waitedMs) => {
      if (dot.outcome !== undefined) return;
      dot.outcome = outcome;
      this.#outcomes[outcome] += 1;
      this.longestWaitMs = Math.max(this.longestWaitMs, waitedMs);
    };
  }

  /** Adds a line to the list of events. @param {string} lane @param {number} at @param {string} text */
  note(lane, at, text) {
    push(this.notes, { at, lane, text });
  }

  /** Returns the counts since the start: `calls` is the sum of the others and of `open`. */
  counts() {
    const { served, waited, replayed, failed } = this.#outcomes;
    const open = this.#calls - served - waited - replayed - failed;
    return { calls: this.#calls, served, waited, replayed, failed, open, tokens: this.#tokens };
  }
}

/** @template Item @param {Item[]} items @param {Item} item */
function push(items, item) {
  items.push(item);
  if (items.length > MOST_ITEMS) items.shift();
}
