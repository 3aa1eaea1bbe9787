/**
 * Shows the demo: in place on a terminal, line by line anywhere else.
 *
 * Knows how to write, not what.
 *
 * @module
 */

import { clip, fold, paintFor } from "./paint.js";

/** Redrawing ten times a second looks continuous. In milliseconds. */
const FRAME_MS = 100;

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_LINE_END = "\x1b[K";

/** Less cannot hold the table in one piece. */
const LEAST_COLUMNS = 40;
const LEAST_ROWS = 14;

export class Screen {
  #out;
  /** How many lines at the bottom are redrawn in place. */
  #drawn = 0;
  /** @type {(() => string[]) | undefined} */
  #live = undefined;
  /** @type {NodeJS.Timeout | undefined} */
  #frames = undefined;
  #muted = false;

  /**
   * @param {NodeJS.WriteStream} out
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(out, env) {
    const isTerminal = out.isTTY === true;
    this.#out = out;
    this.paint = paintFor(isTerminal, env);
    this.isLive = isTerminal && env.TERM !== "dumb" && out.columns >= LEAST_COLUMNS && out.rows >= LEAST_ROWS;
    // The reader went away, as `head` does: there is nobody to show anything to.
    out.on("error", () => process.exit(1));
  }

  /** How wide a line may be. */
  get width() {
    return this.#out.isTTY ? this.#out.columns - 1 : 100;
  }

  /**
   * Lines that stay.
   *
   * @param {...string} lines
   */
  say(...lines) {
    const folded = this.#out.isTTY ? lines.map((line) => fold(line, this.width)) : lines;
    this.#write(this.#rewind() + folded.map((line) => `${line}\n`).join("") + this.#frame());
  }

  /**
   * Redraws these lines in place, until {@link rest}. On a terminal only.
   *
   * @param {() => string[]} lines
   */
  show(lines) {
    if (!this.isLive) return;
    this.#live = lines;
    this.#write(HIDE_CURSOR + this.#frame());
    this.#frames = setInterval(() => this.#write(this.#rewind() + this.#frame()), FRAME_MS);
  }

  /** Leaves the last state of the lines on the screen, and the cursor below it. */
  rest() {
    clearInterval(this.#frames);
    if (!this.#live) return;
    this.#write(this.#rewind() + this.#frame() + SHOW_CURSOR);
    this.#live = undefined;
    this.#drawn = 0;
  }

  /** Shows nothing more. */
  mute() {
    this.rest();
    this.#muted = true;
  }

  /** To the start of what is redrawn. */
  #rewind() {
    return this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : "";
  }

  /** Every line is overwritten and then cleared to its end, so that nothing flickers. */
  #frame() {
    if (!this.#live) return "";
    const lines = this.#live().map((line) => clip(line, this.width));
    this.#drawn = lines.length;
    return lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join("") + CLEAR_BELOW;
  }

  /** @param {string} text */
  #write(text) {
    if (!this.#muted) this.#out.write(text);
  }
}
