// Redaction: removes secrets from texts that may quote them, whatever their encoding.
//
// A secret is recognized by runs of its letters and digits, also in base64 and hexadecimal form, so neither signs between
// them nor their case matter. What a text means in other encodings is compared as well; a text that has a secret only
// there is withheld. Each text is read a fixed number of times, however many secrets there are.

import { decodeUtf8 } from "./utf8.js";

/** The letters and digits by which a part of a secret is recognized. */
const PART = 12;

/** Shorter runs of letters and digits occur in ordinary words, so such secrets are recognized with their signs. */
const SHORTEST_RUN = 8;

/** Shorter secrets are parts of ordinary words: a text that has one as a word is withheld. */
export const SHORT = 4;

/** Longer texts are withheld, and those that are more than ten times as long as what may be shown. */
const MAX_TEXT = 3_000;

/** More characters of secrets are not searched for: every text is withheld then. */
export const MAX_SECRETS = 20_000;

/** A word around a secret, with the references of HTML in it. All of it is replaced: it may be the rest of the secret. */
const WORD = /(?:&(?:#?\w{1,8};)+|[^\s"'<>()[\]{},;:/.?!])+/g;

/** What may be a token that is not known here: a JWT, or a long word with digits in it, other than an id. */
const TOKEN = /eyJ[\w.-]+|[\w+=-]{24,}/gi;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * @typedef {object} Redactor
 * @property {(text: unknown, most: number) => string | undefined} clean returns a text without secrets, of at most `most`
 *   characters; `undefined` if nothing of it can be shown
 * @property {(text: string) => boolean} quotes returns whether a text has a whole secret
 */

/** Withholds every text. Names such as `UNAUTHENTICATED`, by which errors are classified, count as no quotation. @type {Redactor} */
const WITHHOLDING = { clean: () => undefined, quotes: (text) => !/(?:^|")[A-Z_]+"?$/.test(text) };

/**
 * @param {string[]} secrets
 * @returns {Redactor}
 */
export function redactor(secrets) {
  try {
    // Fails here and not at the first text, if the encoding is unknown.
    decoded("AAAA");
    return searching(secrets);
  } catch {
    // `atob` or `btoa` is missing or replaced.
    return WITHHOLDING;
  }
}

/**
 * @param {string[]} secrets
 * @returns {Redactor}
 */
function searching(secrets) {
  // Before the parts are made, and after: both would take long.
  if (lengthOf(secrets) > MAX_SECRETS) return WITHHOLDING;
  const words = [...new Set(secrets.flatMap(partsOf).map((part) => printable(part).trim()))].filter(Boolean);
  if (lengthOf(words) > MAX_SECRETS) return WITHHOLDING;
  const { runs, literals } = knownOf(words);
  const windows = new Set([...runs].flatMap(windowsOf));
  const sizes = new Set(Array.from(windows, ({ length }) => length));
  const literal = literals.length > 0 ? new RegExp(literals.map(escaped).join("|"), "gi") : undefined;
  const short = new Set(words.map(lowered).filter(({ length }) => length < SHORT));

  /** Returns the length of the part of a secret at an index; 0 if there is none. */
  const partAt = (/** @type {string} */ letters, /** @type {number} */ index) => {
    for (const size of sizes) {
      const window = letters.slice(index, index + size);
      if (windows.has(window)) return window.length;
    }
    return 0;
  };
  const hasPart = (/** @type {string} */ view) => {
    const letters = lettersOf(view);
    for (let index = 0; index < letters.length; index++) if (partAt(letters, index) > 0) return true;
    return false;
  };
  const holds = (/** @type {string} */ view) =>
    hasPart(view) || (literal !== undefined && view.search(literal) >= 0) || hasWord(view, short);
  const marked = (/** @type {string} */ text) => {
    const known = hasPart(text) ? withoutParts(text, partAt) : text;
    return literal ? known.replace(literal, "\0") : known;
  };
  return {
    clean(value, most) {
      const given = typeof value === "string" || typeof value === "number" ? `${value}` : "";
      if (given.length > Math.min(MAX_TEXT, most * 10)) return undefined;
      // What follows cannot be shown. It ends between words, because a part of a short secret would not be found.
      const isCut = given.length > most * 2;
      const end = isCut ? given.lastIndexOf(" ", most * 2) : -1;
      const text = printable(given.slice(0, end > 0 ? end : most * 2));
      const rest = marked(text)
        .replace(TOKEN, hidden)
        .replace(WORD, (word) => (word.includes("\0") ? "\0" : word));
      if (viewsOf(rest.replaceAll("\0", " ")).some(holds)) return undefined;
      const shown = rest.replaceAll("\0", "[secret]").trim();
      return shown && (isCut || shown.length > most)
        ? `${printable(shown.slice(0, most - 1))}…`
        : shown || undefined;
    },
    quotes: (text) =>
      viewsOf(text).some((view) => {
        const letters = lettersOf(view);
        return holds(view) && [...runs].some((run) => letters.includes(run));
      }),
  };
}

/** @param {string} word */
const hidden = (word) => (/^eyJ|\d/i.test(word) && !UUID.test(word) ? "\0" : word);

/** @param {string[]} texts */
const lengthOf = (texts) => texts.reduce((sum, { length }) => sum + length, 0);

/**
 * Returns what to search for: letters and digits of all forms, and as they are the forms that have too few of them.
 *
 * @param {string[]} words
 */
function knownOf(words) {
  /** @type {Set<string>} */
  const runs = new Set();
  /** @type {Set<string>} */
  const literals = new Set();
  for (const word of words) {
    if (word.length < SHORT) continue;
    for (const form of formsOf(word)) {
      const letters = lettersOf(form);
      if (letters.length >= SHORTEST_RUN) runs.add(letters);
      else literals.add(form);
    }
  }
  return { runs, literals: [...literals].sort((one, other) => other.length - one.length) };
}

/** Returns the parts by which letters and digits are recognized. @param {string} run */
function windowsOf(run) {
  const count = Math.max(1, run.length - PART + 1);
  return Array.from({ length: count }, (_, start) => run.slice(start, start + PART));
}

/**
 * Returns a secret and its parts: the credentials of a header, and the user name and password.
 *
 * @param {string} text
 */
function partsOf(text) {
  const words = text.split(/[\s;,]+/).filter(({ length }) => length >= SHORTEST_RUN);
  // What is not base64 decodes to bytes that are no text.
  const pairs = [text, ...words, ...words.map(decoded).filter((pair) => /^[^\p{Cc}\ufffd]{4,}$/u.test(pair))];
  const halves = pairs.flatMap((pair) => [...pair.split(/:(.*)/s), ...pair.split(/=(.*)/s)]);
  return [...pairs, ...halves.filter(({ length }) => length >= SHORT)];
}

/**
 * Returns the encodings of a secret that {@link viewsOf} does not decode, or not from within a longer text.
 *
 * @param {string} text
 */
function formsOf(text) {
  const bytes = unescape(encodeURIComponent(text));
  const hex = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const json = JSON.stringify(text).slice(1, -1);
  return [text, json, encodeURIComponent(text), btoa(bytes).replace(/=+$/, ""), hex];
}

/**
 * Returns a text and what it means in the encodings that it may have, also in two of them.
 *
 * @param {string} text
 */
function viewsOf(text) {
  const once = unescaped(text);
  const views = [text, once, unescaped(once)];
  for (const view of [text, once]) {
    views.push((view.match(/[\w+/-]{6,}/g) ?? []).map((run) => unescaped(decoded(run))).join(" "));
  }
  const bytes = once.replace(/(?:[\da-f]{2}){6,}/gi, (hex) =>
    hex.replace(/../g, (byte) => characterOf(parseInt(byte, 16))),
  );
  if (bytes !== once) views.push(bytes, ...(bytes.match(/[\w+/-]{6,}/g) ?? []).map(decoded));
  return [...new Set(views)];
}

/** @param {number} code */
const characterOf = (code) => (code > 0x10ffff ? "" : String.fromCodePoint(code));

/** The named references of HTML that servers write. @type {Record<string, string>} */
const REFERENCES = { amp: "&", quot: '"', apos: "'", lt: "<", gt: ">", nbsp: " " };

/** One escape: of a code point, a byte, a decimal or named reference, or a backslash before another character. */
const ESCAPE =
  /(?:\\u\{0*|&#x0*)([\da-f]{1,6})[;}]?|\\u([\da-f]{4})|(?:%|\\x|0x)([\da-f]{2});?|&#0*(\d{1,7});?|&(amp|quot|apos|lt|gt|nbsp);?|\\(.)/gi;

/**
 * Decodes percent-encoding, the escapes of JSON and JavaScript, and the references of HTML, once: what an escape stands for
 * may be a part of another one.
 *
 * @param {string} text
 */
export function unescaped(text) {
  return utf8(
    text.replace(ESCAPE, (_, point, unit, byte, decimal, name, other) => {
      if (name !== undefined) return REFERENCES[name.toLowerCase()];
      if (other !== undefined) return other;
      return characterOf(decimal === undefined ? parseInt(point ?? unit ?? byte, 16) : Number(decimal));
    }),
  );
}

/** Decodes base64, of either alphabet; "" if it is none. @param {string} text */
function decoded(text) {
  const base64 = text
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replace(/={1,2}$/, "");
  if (!/^[\w+/]+$/.test(base64)) return "";
  return utf8(atob(base64.length % 4 === 1 ? base64.slice(0, -1) : base64));
}

/** Decodes the bytes of a text that are UTF-8. Other signs stay. @param {string} text */
function utf8(text) {
  return text.replace(/[\xc2-\xf4][\x80-\xbf]{1,3}/g, (bytes) =>
    decodeUtf8(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))),
  );
}

/** Replaces white space by a space, and removes other characters that are not visible. @param {string} text */
function printable(text) {
  return text.replace(/\s+/g, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "");
}

/** @param {string} text */
const lowered = (text) => text.toLowerCase();

/** @param {string} text */
const lettersOf = (text) => lowered(folded(text)).replace(/[^\p{L}\p{N}]+/gu, "");

/** Removes the differences between forms of a letter: accents that are composed or not, and "ß" and "SS". @param {string} text */
function folded(text) {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toUpperCase();
}

/**
 * Replaces the parts of secrets in a text by null characters.
 *
 * @param {string} text
 * @param {(letters: string, index: number) => number} partAt
 */
function withoutParts(text, partAt) {
  const { letters, starts, ends } = indexed(text);
  let shown = "";
  let end = 0;
  for (let index = 0; index < letters.length; index++) {
    const size = partAt(letters, index);
    if (size === 0) continue;
    if (starts[index] >= end) shown += `${text.slice(end, starts[index])}\0`;
    end = Math.max(end, ends[index + size - 1]);
  }
  return shown + text.slice(end);
}

/** Returns the letters and digits of a text, and where each is in it. @param {string} text */
function indexed(text) {
  let letters = "";
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const ends = [];
  for (const { 0: letter, index } of text.matchAll(/[\p{L}\p{N}]/gu)) {
    // One character may be two in lower case.
    const lower = lettersOf(letter);
    letters += lower;
    for (let count = lower.length; count > 0; count--) {
      starts.push(index);
      ends.push(index + letter.length);
    }
  }
  return { letters, starts, ends };
}

/** @param {string} text @param {Set<string>} words in lower case */
function hasWord(text, words) {
  if (words.size === 0) return false;
  const lower = lowered(text);
  return [...lower.split(/[^\p{L}\p{N}]+/u), ...lower.split(" ")].some((word) => words.has(word));
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
