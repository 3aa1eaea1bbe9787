// What the provider said: the errors of a response as texts that are safe to show.
//
// Servers quote their input, so what may be secret in a request is removed in every encoding in which it was sent. A text
// from which that is not certain is left out.

import { parsedBody } from "./fetch-failure.js";

/** @typedef {import("../index.js").ProviderError} ProviderError */

/** @typedef {Iterable<[name: string, value: string]>} Headers */

const MAX_SHOWN = 5;
const MAX_MESSAGE = 500;
const MAX_CODE = 100;
const MAX_PATH = 200;

/** Longer texts are left out. */
const MAX_TEXT = 3_000;

/** More characters of secrets are not searched for: nothing is shown then. */
const MAX_SECRETS = 20_000;

/** The letters and digits by which a part of a secret is recognized, whatever is between them. */
const PART = 12;

/** Shorter secrets are parts of ordinary words: a text that has one as a word is left out. */
const SHORT = 4;

/** Shorter strings of a response are not tokens. */
const SHORTEST_TOKEN = 8;

/** Members of a response that hold the errors themselves. */
const ERROR_MEMBER = /^(?:error|message$|extensions$|code$|path$|requestId$|status|type$|__typename$)/;

/** Members whose values are secret wherever they are. */
const SECRET_MEMBER = /token|secret|password|credential|jwt|api_?key/i;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Returns what may be secret in a grant.
 *
 * @param {string} url of the request, in which a custom API may have a key
 * @param {Headers} headers
 * @param {string} body
 * @param {string[]} quotable names of variables and headers, and values, that are not secret
 */
export function secretsOfGrant(url, headers, body, quotable) {
  const { query = "", variables, ...fields } = parsedBody(body);
  const given = textsIn(variables ?? fields, (name) => quotable.includes(name));
  return [
    ...secretsOfHeaders(headers, quotable),
    ...given.filter((text) => !text.split(" ").every((word) => quotable.includes(word))),
    ...literalsOf(query),
    ...secretsOfUrl(url),
  ];
}

/**
 * Returns what may be secret in an operation, besides its variables: tokens, headers, literals and a key in the URL.
 *
 * @param {string[]} tokens of the session and of the response
 * @param {string} url
 * @param {Headers} headers
 * @param {string} body
 */
export function secretsOfOperation(tokens, url, headers, body) {
  return [
    ...tokens,
    ...secretsOfHeaders(headers, []),
    ...literalsOf(parsedBody(body).query),
    ...secretsOfUrl(url),
  ];
}

/**
 * Returns the errors of a response, without secrets; `undefined` if there are none that can be shown.
 *
 * @param {any} answer
 * @param {() => string[]} secrets of the request and of the response
 * @returns {ProviderError[] | undefined}
 */
export function providerErrorsOf(answer, secrets) {
  try {
    const errors = reported(answer).filter(({ message }) => typeof message === "string");
    const clean = errors.length > 0 ? cleaner(secrets()) : () => undefined;
    /** @type {ProviderError[]} */
    const shown = [];
    for (const { message, code, path } of errors) {
      const said = shown.length < MAX_SHOWN ? clean(message, MAX_MESSAGE) : undefined;
      if (said === undefined) continue;
      const details = {
        code: clean(code, MAX_CODE),
        path: clean(Array.isArray(path) ? path.join(".") : path, MAX_PATH),
      };
      shown.push({ message: said, ...JSON.parse(JSON.stringify(details)) });
    }
    return shown.length > 0 ? shown : undefined;
  } catch {
    // Nested too deep, or a secret that no pattern can have.
    return undefined;
  }
}

/**
 * Returns the strings of the response to a grant that may be tokens.
 *
 * @param {any} answer
 * @param {string[]} headers values of its headers
 */
export function tokensOf(answer, headers) {
  return [...headers, ...textsIn(answer, (name) => ERROR_MEMBER.test(name))].filter(isLong);
}

/** @param {string} text */
function isLong({ length }) {
  return length >= SHORTEST_TOKEN;
}

/**
 * Removes the codes and ids that quote a secret of the request from a response. The core shows codes and ids in
 * messages, and an opaque token can look like one.
 *
 * @param {string} text
 * @param {() => string[]} secrets
 */
export function withoutQuotations(text, secrets) {
  /** @type {string[] | undefined} */
  let known;
  let members = 0;
  return withPlainNames(text).replace(SHOWN_MEMBER, (member) => {
    if (++members > MAX_MEMBERS) return '"":0';
    // Shorter texts occur in ordinary codes.
    known ??= secrets().flatMap(partsOf).filter(isLong).flatMap(formsOf).map(lowered);
    const views = viewsOf(member).map(lowered);
    return known.some((secret) => views.some((view) => view.includes(secret))) ? '"":0' : member;
  });
}

/** Messages show a few codes and ids. The search is not worth more time than these take. */
const MAX_MEMBERS = 100;

/** Writes JSON without escapes in the names of its members, if it has any. @param {string} text */
function withPlainNames(text) {
  if (!/"[^"]*\\[^"]*"\s*:/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Members that messages show, up to 64 characters, each of which may be escaped. See src/graphql/response.rs. */
const SHOWN_MEMBER = /"(?:code|errorClass|requestId|error)"\s*:\s*"(?:[^"\\]|\\.){1,400}"/g;

/** @param {string} text */
function lowered(text) {
  return text.toLowerCase();
}

/**
 * Returns the errors from all places in which APIs have them; see `errors_in` in src/graphql/response.rs.
 *
 * @param {any} answer
 * @returns {{ message?: unknown, code?: unknown, path?: unknown }[]}
 */
function reported(answer) {
  const { errors, error, error_description: message, data } = answer ?? {};
  const payloads = Object.values(data ?? {}).map((/** @type {any} */ payload) => payload?.error);
  // RFC 6749 section 5.2.
  const own = typeof message === "string" ? { message, code: error } : error;
  return [...(Array.isArray(errors) ? errors : []), answer, own, ...payloads].slice(0, 10).map((each) => {
    if (typeof each !== "object") return { message: each };
    const { extensions } = each ?? {};
    return { ...each, code: extensions?.code ?? extensions?.errorClass ?? each?.code };
  });
}

/**
 * Returns a function that removes secrets from a text. It returns at most `most` characters, and `undefined` if nothing
 * of the text can be shown.
 *
 * @param {string[]} secrets
 */
function cleaner(secrets) {
  // Before the parts are made, and after: both would take long.
  if (secrets.join("").length > MAX_SECRETS) return () => undefined;
  const known = new Set(secrets.flatMap(partsOf).map((part) => printable(part).trim()));
  known.delete("");
  const all = [...known];
  if (all.join("").length > MAX_SECRETS) return () => undefined;
  const forms = all.flatMap(formsOf).filter(({ length }) => length >= SHORT);
  const listed = forms.sort((one, other) => other.length - one.length).map(literally);
  // A long word with digits in it, other than an id, may be a token that is not known here.
  const pattern = new RegExp(`(${listed.join("|") || "(?!)"})|eyJ[\\w.-]+|[\\w+=-]{24,}`, "gi");
  const traces = all.map((secret) => ({ secret: secret.toLowerCase(), windows: windowsOf(secret) }));

  const holdsSecret = (/** @type {string} */ view) => {
    const lower = view.toLowerCase();
    const letters = lettersOf(lower);
    return traces.some(({ secret, windows }) =>
      secret.length < SHORT
        ? lower.split(NO_LETTERS).includes(secret)
        : lower.includes(secret) || windows.some((window) => letters.includes(window)),
    );
  };
  return (/** @type {unknown} */ given, /** @type {number} */ most) => {
    const text = typeof given === "string" || typeof given === "number" ? printable(`${given}`) : "";
    if (text.length > MAX_TEXT) return undefined;
    const marked = text.replace(pattern, (word, secret) =>
      secret !== undefined || (/^eyJ|\d/.test(word) && !UUID.test(word)) ? "\0" : word,
    );
    if (viewsOf(marked.replaceAll("\0", " ")).some(holdsSecret)) return undefined;
    const shown = marked.replaceAll("\0", "[secret]").trim();
    return shown.length > most ? `${printable(shown.slice(0, most - 1))}…` : shown || undefined;
  };
}

/** Replaces white space by spaces, and removes other characters that are not visible. @param {string} text */
function printable(text) {
  return text.replace(/\s/g, " ").replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "");
}

/** Returns a secret and its parts: the credentials of a header, and the user name and password. @param {string} text */
function partsOf(text) {
  const words = text.split(" ").filter(({ length }) => length >= SHORTEST_TOKEN);
  const pairs = [text, ...words, ...words.map(decoded)];
  return [...pairs, ...pairs.flatMap((pair) => pair.split(/:(.*)/s)).filter(({ length }) => length >= SHORT)];
}

/**
 * Returns the encodings of a secret in which a message is likely to quote it. {@link viewsOf} recognizes others.
 *
 * @param {string} text
 */
function formsOf(text) {
  const base64 = btoa(unescape(encodeURIComponent(text))).replace(/=+$/, "");
  const url = base64.replaceAll("+", "-").replaceAll("/", "_");
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text), base64, url];
}

/** Returns a text and what it means in the encodings that it may have, also in two of them. @param {string} text */
function viewsOf(text) {
  const once = unescaped(text);
  const runs = (/** @type {string} */ view) =>
    (view.match(/[\w+/-]{6,}/g) ?? []).map((run) => unescaped(decoded(run))).join(" ");
  return [text, once, unescaped(once), runs(text), runs(once)];
}

/** Decodes percent-encoding and the escapes of JSON. @param {string} text */
function unescaped(text) {
  return utf8(
    text
      .replace(/(?:%|\\u00|&#x)([\da-f]{2});?/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
      .replace(/\\(.)/g, "$1"),
  );
}

/** Decodes base64, of either alphabet; "" if it is none. @param {string} text */
function decoded(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (!/^[\w+/]+$/.test(base64)) return "";
  return utf8(atob(base64.length % 4 === 1 ? base64.slice(0, -1) : base64));
}

/** Decodes bytes that are characters; returns them as they are if they are not UTF-8. @param {string} bytes */
function utf8(bytes) {
  try {
    return decodeURIComponent(escape(bytes));
  } catch {
    return bytes;
  }
}

/** Returns the parts of a secret that are searched for in the letters and digits of a text. @param {string} text */
function windowsOf(text) {
  const letters = lettersOf(text.toLowerCase());
  const count = Math.max(1, letters.length - PART + 1);
  return letters.length < SHORTEST_TOKEN
    ? []
    : Array.from({ length: count }, (_, start) => letters.slice(start, start + PART));
}

const NO_LETTERS = /[^\p{L}\p{N}]+/gu;

/** @param {string} text */
function lettersOf(text) {
  return text.replace(NO_LETTERS, "");
}

/** @param {string} text */
function literally(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/**
 * @param {Headers} headers
 * @param {string[]} quotable names
 */
function secretsOfHeaders(headers, quotable) {
  return [...headers]
    .filter(([name]) => !["accept", "content-type", ...quotable].includes(name.toLowerCase()))
    .flatMap(([, value]) => [value, value.replace(/^(?:Basic|Bearer) +/i, "")]);
}

/** Comments, block strings, strings and numbers of a GraphQL document, in order. */
const LITERAL = /#[^\n]*|"""((?:\\"""|[^])*?)"""|"((?:[^"\\\n]|\\.)*)"|(-?\b\d[\w.+-]*)/g;

/** Returns the strings and numbers of a document. @param {string} document */
function literalsOf(document) {
  const found = [...document.matchAll(LITERAL)].flatMap(([, block, text, number]) => {
    const literal = block ?? text ?? number ?? "";
    return [literal, unescaped(literal), fromJson(literal), ...literal.split("\n")];
  });
  return found.filter(({ length }) => length >= SHORT);
}

/** Returns what a string means in JSON and GraphQL; "" if it is invalid. @param {string} literal */
function fromJson(literal) {
  try {
    return `${JSON.parse(`"${literal}"`)}`;
  } catch {
    return "";
  }
}

/** Returns the long parts of the path and all parts of the query of a URL, which may have a key. @param {string} url */
function secretsOfUrl(url) {
  const { pathname, search } = new URL(url);
  const path = pathname.split(/[/;=]/).flatMap((part) => [part, unescaped(part)]);
  const query = search.split(/[?&;=]/).flatMap((part) => [part, unescaped(part.replaceAll("+", " "))]);
  return [...path.filter(isLong), ...query.filter(({ length }) => length >= SHORT)];
}

/**
 * Returns the strings and numbers of a value that may be secret.
 *
 * @param {any} value
 * @param {(name: string) => boolean} isPublic
 * @returns {string[]}
 */
function textsIn(value, isPublic, isSecret = true) {
  if (typeof value !== "object" || value === null) {
    return isSecret && (typeof value === "string" || typeof value === "number") ? [`${value}`] : [];
  }
  return Object.entries(value).flatMap(([name, member]) =>
    textsIn(member, isPublic, SECRET_MEMBER.test(name) || (isSecret && !isPublic(name))),
  );
}
