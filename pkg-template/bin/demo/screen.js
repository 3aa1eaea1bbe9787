/**
 * Output of the demo: redrawn in place on a terminal, line by line elsewhere.
 *
 * Contents come from `tables.js`.
 *
 * @module
 */

import { clip, fold, paintFor } from "./paint.js";

/** Time between frames, in milliseconds. Ten frames per second look continuous. */
const FRAME_MS = 100;

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_LINE_END = "\x1b[K";

/** Minimum width of the table. */
const LEAST_COLUMNS = 40;
const LEAST_ROWS = 14;

export class Screen {
  #out;
  /** Number of lines at the bottom that are redrawn in place. */
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
  }

  /** Maximum width of a line. */
  get width() {
    return this.#out.isTTY ? this.#out.columns - 1 : 100;
  }

  /**
   * Prints lines that are not redrawn.
   *
   * @param {...string} lines
   */
  print(...lines) {
    const folded = this.#out.isTTY ? lines.map((line) => fold(line, this.width)) : lines;
    this.#write(this.#rewind() + folded.map((line) => `${line}\n`).join("") + this.#frame());
  }

  /**
   * Redraws these lines in place until {@link rest} is called. Only on a terminal.
   *
   * @param {() => string[]} lines
   */
  show(lines) {
    if (!this.isLive) return;
    this.#live = lines;
    this.#write(HIDE_CURSOR + this.#frame());
    this.#frames = setInterval(() => this.#write(this.#rewind() + this.#frame()), FRAME_MS);
  }

  /** Stops redrawing. The last state stays on the screen, with the cursor below. */
  rest() {
    clearInterval(this.#frames);
    if (!this.#live) return;
    this.#write(this.#rewind() + this.#frame() + SHOW_CURSOR);
    this.#live = undefined;
    this.#drawn = 0;
  }

  /** Suppresses all further output. */
  mute() {
    this.rest();
    this.#muted = true;
  }

  /** Moves the cursor to the start of the redrawn lines. */
  #rewind() {
    return this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : "";
  }

  /** Draws one frame. Each line is overwritten and then cleared to its end, to avoid flicker. */
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
