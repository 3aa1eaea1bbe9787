/**
 * Characters and colors that the terminal supports.
 *
 * @module
 */

/**
 * @typedef {object} Paint
 * @property {(text: string) => string} bold
 * @property {(text: string) => string} dim
 * @property {(text: string) => string} good
 * @property {(text: string) => string} bad
 * @property {(text: string) => string} busy
 * @property {(fraction: number, width: number, busy: boolean) => string} bar
 * @property {string} yes
 * @property {string} no
 * @property {string} none Placeholder for a number that does not apply.
 */

/**
 * Returns colors only for a terminal that supports them, and not if NO_COLOR is set (no-color.org).
 *
 * @param {boolean} isTerminal
 * @param {NodeJS.ProcessEnv} env
 * @returns {Paint}
 */
export function paintFor(isTerminal, env) {
  const coloured = isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
  const inColour = (/** @type {number} */ code) => (/** @type {string} */ text) =>
    coloured ? `\x1b[${code}m${text}\x1b[0m` : text;
  const [bold, dim, bad, good, busy] = [1, 2, 31, 32, 33].map(inColour);
  const [full, empty, yes, no, none] = hasUnicode(env)
    ? ["━", "─", "✓", "✗", "–"]
    : ["#", "-", "+", "x", "-"];
  return {
    bold,
    dim,
    good,
    bad,
    busy,
    bar: (fraction, width, isBusy) => {
      const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
      return (isBusy ? busy : good)(full.repeat(filled)) + dim(empty.repeat(width - filled));
    },
    yes: good(yes),
    no: bad(no),
    none,
  };
}

/**
 * Returns true if the terminal displays more than ASCII, according to its locale. Containers often have no locale but a
 * terminal with Unicode; in that case only tmux shows underscores.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function hasUnicode(env) {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return locale === "" ? !env.TMUX : /utf-?8/i.test(locale);
}

/**
 * Returns the start of a line that fits into `width` columns. All characters used here are one column wide.
 *
 * @param {string} line
 * @param {number} width
 */
export function clip(line, width) {
  let left = width;
  let clipped = "";
  for (const [piece] of line.matchAll(/\x1b\[\d+m|[^\x1b]/gu)) {
    if (piece.startsWith("\x1b")) clipped += piece;
    else if (left-- > 0) clipped += piece;
  }
  return clipped;
}

/**
 * Wraps a line between words; continuation lines have the indentation of the first.
 *
 * @param {string} line
 * @param {number} width
 */
export function fold(line, width) {
  const plain = line.replace(/\x1b\[\d+m/g, "");
  if (plain.length <= width) return line;
  const [margin = ""] = /^ */.exec(plain) ?? [];
  const lines = [];
  let current = "";
  for (const [word] of line.matchAll(/ *[^ ]+/g)) {
    if (current !== "" && (current + word).replace(/\x1b\[\d+m/g, "").length > width) {
      lines.push(current);
      current = `${margin}  ${word.trimStart()}`;
    } else current += word;
  }
  return [...lines, current].join("\n");
}
