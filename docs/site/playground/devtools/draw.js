/**
 * Draws a timeline as the content of an SVG element.
 *
 * @module
 */

/** @import { CallDot, Lane, Outcome, TimelineLog } from "./timeline-log.js" */

/** Heights in pixels of a lane and of the axis below the lanes. */
const LANE = 72;
const AXIS = 22;
/** Calls whose dots would be closer are drawn as one. */
const DOT = 7;

/**
 * @typedef {object} View
 * @property {number} now
 * @property {number} spanMs Length of the visible time.
 * @property {number} width In pixels.
 */

/** Returns the height of a drawing in pixels. @param {TimelineLog} log */
export const heightOf = (log) => log.lanes.size * LANE + AXIS;

/**
 * Returns the markup of all shapes.
 *
 * @param {TimelineLog} log
 * @param {View} view
 */
export function draw(log, { now, spanMs, width }) {
  const from = Math.max(log.startedAt, now - spanMs);
  const to = from + spanMs;
  const x = (/** @type {number} */ at) => round(((at - from) / spanMs) * width);
  const scale = { x, from, to, now, width };
  const lanes = [...log.lanes.values()].map((lane, index) => drawLane(lane, index * LANE, scale));
  const height = log.lanes.size * LANE;
  return lanes.join("") + axis(log.startedAt, scale, height) + line("now", x(Math.min(now, to)), 0, height);
}

/** @typedef {{ x: (at: number) => number, from: number, to: number, now: number, width: number }} Scale */

/** @param {Lane} lane @param {number} top @param {Scale} scale */
function drawLane({ name, tokens, attempts, calls }, top, scale) {
  const { now } = scale;
  const parts = [`<text class="lane" x="4" y="${top + 13}">${escape(name)}</text>`];
  for (const { from, refreshAt, expiresAt, until = expiresAt } of tokens) {
    const end = Math.min(until, expiresAt);
    parts.push(bar("token", from, end, top + 19, 16, scale));
    if (refreshAt !== undefined && refreshAt < end)
      parts.push(bar("window", refreshAt, end, top + 19, 16, scale));
  }
  for (const { from, until = Math.max(now, from), result = "open" } of attempts) {
    if (from > now) continue;
    parts.push(bar(`attempt ${result}`, from, until, top + 39, 7, scale, 2));
  }
  for (const { at, outcome, count } of groups(calls, scale))
    parts.push(dot(scale.x(at), top + 58, outcome, count));
  parts.push(line("rule", 0, top + LANE - 1, top + LANE - 1, scale.width));
  return parts.join("");
}

/**
 * Returns a bar, clipped to the visible time, or nothing.
 *
 * @param {string} name
 * @param {number} from
 * @param {number} until
 * @param {number} y
 * @param {number} height
 * @param {Scale} scale
 * @param {number} [least] The least width in pixels.
 */
function bar(name, from, until, y, height, { x, from: first, to: last }, least = 0) {
  if (until < first || from > last) return "";
  const left = x(Math.max(from, first));
  const width = round(Math.max(least, x(Math.min(until, last)) - left));
  return `<rect class="${name}" x="${left}" y="${y}" width="${width}" height="${height}" rx="2"/>`;
}

/**
 * Joins visible calls that have the same outcome and the same place.
 *
 * @param {readonly CallDot[]} calls
 * @param {Scale} scale
 */
function groups(calls, { x, from, to }) {
  /** @type {Map<string, { at: number, outcome: Outcome | "open", count: number }>} */
  const found = new Map();
  for (const { at, outcome = /** @type {const} */ ("open") } of calls) {
    if (at < from || at > to) continue;
    const key = `${Math.round(x(at) / DOT)} ${outcome}`;
    const group = found.get(key);
    if (group === undefined) found.set(key, { at, outcome, count: 1 });
    else group.count += 1;
  }
  return found.values();
}

/** Returns a dot: the shape shows the outcome as well as the colour does. */
function dot(
  /** @type {number} */ x,
  /** @type {number} */ y,
  /** @type {Outcome | "open"} */ outcome,
  /** @type {number} */ count,
) {
  const r = round(Math.min(8, 2.5 + Math.log10(count) * 1.8));
  const title = `<title>${count} ${outcome}</title>`;
  if (outcome === "failed")
    return `<path class="dot failed" d="M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}">${title}</path>`;
  if (outcome === "replayed")
    return `<path class="dot replayed" d="M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z">${title}</path>`;
  return `<circle class="dot ${outcome}" cx="${x}" cy="${y}" r="${r}">${title}</circle>`;
}

/** @param {number} startedAt @param {Scale} scale @param {number} y */
function axis(startedAt, { x, from, to, width }, y) {
  const step = width < 500 ? 2_000 : 1_000;
  const parts = [];
  for (let second = Math.ceil((from - startedAt) / step) * step; startedAt + second <= to; second += step) {
    const at = x(startedAt + second);
    const anchor = at > width - 20 ? "end" : at < 10 ? "start" : "middle";
    parts.push(line("tick", at, 0, y));
    parts.push(
      `<text class="time" x="${at}" y="${y + 15}" text-anchor="${anchor}">${second / 1_000} s</text>`,
    );
  }
  return parts.join("");
}

/** @param {string} name @param {number} x @param {number} y1 @param {number} y2 @param {number} [x2] */
const line = (name, x, y1, y2, x2 = x) =>
  `<line class="${name}" x1="${x}" x2="${x2}" y1="${y1}" y2="${y2}"/>`;

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** @param {string} text */
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
