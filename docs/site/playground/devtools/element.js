/**
 * The element `token-timeline`, which draws a `TimelineLog`.
 *
 * @module
 */

import { draw, heightOf } from "./draw.js";

/** @import { TimelineLog } from "./timeline-log.js" */

/** Milliseconds between two drawings, and between two for users who prefer reduced motion. */
const INTERVAL_MS = 50;
const REDUCED_INTERVAL_MS = 1_000;

const STYLE = `
  :host { display: block; }
  svg { display: block; width: 100%; overflow: hidden; font: 12px system-ui, sans-serif; }
  text { fill: var(--timeline-text, currentColor); }
  .lane { font-weight: 600; }
  .time { fill: var(--timeline-muted, currentColor); font-size: 11px; }
  .token { fill: var(--timeline-token, #4c8fd6); }
  .window { fill: var(--timeline-window, #14508f); }
  .attempt { fill: var(--timeline-attempt, #8a6fd1); }
  .attempt.failed { fill: var(--timeline-failed, #c62828); }
  .dot.served { fill: var(--timeline-served, #2e7d32); }
  .dot.waited { fill: none; stroke: var(--timeline-waited, #a65f00); stroke-width: 2; }
  .dot.replayed { fill: var(--timeline-replayed, #8a6fd1); }
  .dot.failed { fill: none; stroke: var(--timeline-failed, #c62828); stroke-width: 2; }
  .dot.open { fill: none; stroke: var(--timeline-muted, currentColor); stroke-dasharray: 2 2; }
  .rule, .tick { stroke: var(--timeline-rule, #8884); }
  .now { stroke: var(--timeline-text, currentColor); }
`;

/** Defines the element, once. */
export function defineTokenTimeline() {
  if (customElements.get("token-timeline") === undefined)
    customElements.define("token-timeline", TokenTimeline);
}

const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? Object);

export class TokenTimeline extends Base {
  /** What is drawn. @type {TimelineLog | undefined} */
  log;
  /** Length of the visible time in milliseconds. */
  spanMs = 12_000;
  #drawnAt = -Infinity;
  /** @type {SVGSVGElement | undefined} */
  #svg;

  connectedCallback() {
    if (this.#svg !== undefined) return;
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}</style><svg role="img" aria-label="Timeline: nothing is recorded yet"></svg>`;
    this.#svg = /** @type {SVGSVGElement} */ (root.querySelector("svg"));
  }

  /**
   * Draws the log, unless it was drawn shortly before.
   *
   * @param {number} now The time by the clock of the log.
   * @param {{ force?: boolean }} [options] `force` draws in any case.
   */
  draw(now, { force = false } = {}) {
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!force && now - this.#drawnAt < (reduced ? REDUCED_INTERVAL_MS : INTERVAL_MS)) return;
    const { log } = this;
    if (log === undefined || this.#svg === undefined) return;
    this.#drawnAt = now;
    const width = Math.max(200, this.clientWidth);
    const height = heightOf(log);
    this.#svg.setAttribute("height", `${height}`);
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#svg.setAttribute("aria-label", describe(log));
    this.#svg.innerHTML = draw(log, { now, spanMs: this.spanMs, width });
  }
}

/** Returns the drawing in words. @param {TimelineLog} log */
function describe(log) {
  const { calls, served, waited, replayed, failed, tokens } = log.counts();
  return `Timeline: ${tokens} tokens; ${calls} calls, of which ${served} were served at once, ${waited} waited, ${replayed} were sent again and ${failed} failed.`;
}
