// Outlines of large responses.
//
// Passing the values of a response to the core, one by one, takes ten times as long as parsing them. Of a large
// response the core receives only the members by which it recognizes a rejection and classifies an error; see
// `problems` in src/graphql/response.rs.

import { MAX_ERRORS } from "./tables.js";

/** Responses of at most this many characters are passed to the core as they are. */
const LARGE = 65_536;

/** The longest prefix of a message that is kept: the phrases of rejections are near its beginning. */
const MAX_TEXT = 1_000;

/**
 * Returns the text of a response, or its outline, for the core.
 *
 * @param {string} text
 * @param {() => any} [parse] returns the value of the text; `undefined` if it is not JSON
 */
export function outlined(text, parse = () => parsed(text)) {
  if (text.length <= LARGE) return text;
  const answer = parse();
  if (answer === undefined) return text.trim()[0] === "<" ? "<" : "{";
  const outline = Array.isArray(answer) ? answer.slice(0, MAX_ERRORS).map(outlineOf) : outlineOf(answer);
  return JSON.stringify(outline);
}

/**
 * Returns the value of a JSON text, which may start with byte order marks; `undefined` if it is not JSON.
 *
 * @param {string | undefined} text
 */
export function parsed(text = "") {
  try {
    return JSON.parse(text.replace(/^\uFEFF+/, ""));
  } catch {
    return undefined;
  }
}

/** @param {any} answer */
function outlineOf(answer) {
  if (!isObject(answer)) return null;
  const { data, error, errors } = answer;
  return {
    ...problemOf(answer),
    data: isObject(data) ? fieldsOf(data) : data === null ? null : data && true,
    error: error === undefined ? undefined : problemOf(error),
    errors: Array.isArray(errors) ? errors.slice(0, MAX_ERRORS).map(problemOf) : undefined,
  };
}

/**
 * Returns an outline of the root fields of `data`: `null`, `true`, or the field's `error` member, which some APIs use.
 *
 * @param {Record<string, any>} data
 */
function fieldsOf(data) {
  const names = Object.keys(data);
  const kept = names.slice(0, MAX_ERRORS);
  // One more field that is not null shows that a part of the operation was executed.
  const other = names.slice(MAX_ERRORS).find((name) => data[name] !== null);
  if (other !== undefined) kept.push(other);
  return Object.fromEntries(kept.map((name) => [name, fieldOf(data[name])]));
}

/** @param {any} field */
function fieldOf(field) {
  if (field === null) return null;
  const error = isObject(field) ? field.error : undefined;
  return error === undefined || error === null ? true : { error: problemOf(error) };
}

/**
 * @param {any} error
 * @returns {any}
 */
function problemOf(error) {
  if (!isObject(error)) return shortened(error) ?? null;
  const { message, code, extensions } = error;
  return { message: shortened(message), code: shortened(code), extensions: detailsOf(extensions) };
}

/** @param {any} extensions */
function detailsOf(extensions) {
  if (!isObject(extensions)) return undefined;
  const { code, errorClass, requestId } = extensions;
  return { code: shortened(code), errorClass: shortened(errorClass), requestId: shortened(requestId) };
}

/** @param {unknown} text */
function shortened(text) {
  return typeof text === "string" ? text.slice(0, MAX_TEXT) : undefined;
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
