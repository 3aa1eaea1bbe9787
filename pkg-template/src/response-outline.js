// Outlines of large responses.
//
// Passing the values of a response to the core, one by one, takes ten times as long as parsing them. Of a large
// response the core receives only the members by which it recognizes a rejection and classifies an error; see
// `problems` in src/graphql/response.rs.

import { isObject } from "./is-object.js";
import { MAX_ERRORS } from "./tables.js";

/** Responses of at most this many characters are passed to the core as they are. */
const LARGE = 65_536;

/** How many members of an error are kept, and how deep: the longest path of a code has three names. */
const MAX_MEMBERS = 30;
const MAX_DEPTH = 3;

/** How many answers of a batch are kept: more than servers accept operations. */
const MAX_ANSWERS = 10_000;

/** The longest prefix of a message that is kept: the phrases of rejections are near its beginning. */
const MAX_TEXT = 1_000;

/**
 * Returns the text of a response, or its outline, for the core.
 *
 * @param {string} text
 * @param {() => any} [parse] returns the value of the text; `undefined` if it is not JSON
 * @param {string[]} [paths] of the values below `data` that are kept
 * @param {number} [limit] the longest text that is not replaced by its outline
 */
export function outlined(text, parse = () => parsed(text), paths = [], limit = LARGE) {
  if (text.length <= limit) return text;
  const answer = parse();
  if (answer === undefined) return text.trim()[0] === "<" ? "<" : "{";
  const outlineOfOne = (/** @type {any} */ one) => outlineOf(one, paths);
  const outline = Array.isArray(answer)
    ? answer.slice(0, MAX_ANSWERS).map(outlineOfOne)
    : outlineOfOne(answer);
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

/**
 * @param {any} answer
 * @param {string[]} paths
 */
function outlineOf(answer, paths) {
  if (!isObject(answer)) return null;
  const { data, error, errors } = answer;
  return {
    ...problemOf({ ...answer, data: undefined, error: undefined, errors: undefined }),
    data: isObject(data) ? withValues(fieldsOf(data), data, paths) : data === null ? null : data && true,
    error: error === undefined ? undefined : problemOf(error),
    // Errors of another form are errors as well.
    errors: Array.isArray(errors) ? errors.slice(0, MAX_ERRORS).map((each) => problemOf(each)) : errors && {},
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

/**
 * Adds the values at `paths` to the outline of `data`.
 *
 * @param {Record<string, any>} outline
 * @param {any} data
 * @param {string[]} paths
 */
function withValues(outline, data, paths) {
  for (const path of paths) copyAt(outline, data, path.split("."));
  return outline;
}

/**
 * Copies the values at a path, in the form of `any_at` in src/json.rs: `*` stands for each member or item, and a name that
 * follows an array for that member of each item.
 *
 * @param {any} target an object, or an array as long as the one that is copied
 * @param {any} source
 * @param {string[]} path
 * @param {number} [depth] of `source` in the response
 */
function copyAt(target, source, path, depth = 1) {
  const [key, ...rest] = path;
  const isOfItems = isNameAfterList(source, key);
  for (const name of key === "*" || isOfItems ? Object.keys(source) : [key]) {
    const value = memberOf(source, name);
    const further = isOfItems ? path : rest;
    if (value === undefined) continue;
    if (typeof value !== "object" || value === null) {
      // A value that ends the path early only matters if it is `null`: the session has no such object.
      if (further.length === 0 || value === null)
        put(target, name, typeof value === "string" ? shortened(value) : value);
      continue;
    }
    const kept = memberOf(target, name);
    const copy = typeof kept === "object" && kept !== null ? kept : Array.isArray(value) ? [] : {};
    put(target, name, copy);
    if (further.length > 0) {
      if (depth < DEEPEST) copyAt(copy, value, further, depth + 1);
    } else if (Object.keys(value).length > 0 && Object.keys(copy).length === 0) {
      // The value is not empty. No value of a rule is an object.
      put(copy, Array.isArray(value) ? "0" : "", {});
    }
  }
}

/**
 * Returns whether a response has an error or an expected value, by which the core may recognize a rejection. It finds all
 * that `errors_match` in src/graphql/response.rs examines.
 *
 * @param {any} body of the response; a batch is a list of answers
 * @param {[path: string, value: unknown][]} values below `data`
 */
export function hasProblem(body, values) {
  const answers = Array.isArray(body) ? body : [body];
  return answers.some(
    (answer) =>
      isObject(answer) &&
      (answer.errors?.length > 0 ||
        hasError(answer) ||
        (answer.message !== undefined && answer.extensions !== undefined) ||
        (isObject(answer.data) && Object.values(answer.data).some(hasError)) ||
        values.some(([path, value]) => hasValue(answer.data, path.split("."), value))),
  );
}

/** @param {any} value */
const hasError = (value) => (value?.error ?? null) !== null;

/**
 * Returns whether a value of `data` has an expected one at a path, in the form of `any_at` in src/json.rs.
 *
 * @param {any} source
 * @param {string[]} path
 * @param {unknown} expected a string, a number, a boolean or `null`
 * @param {number} [place] of the next name of the path
 * @param {number} [depth] of `source` in the response
 * @returns {boolean}
 */
function hasValue(source, path, expected, place = 0, depth = 1) {
  if (place === path.length) return source === expected;
  if (typeof source !== "object" || source === null || depth > DEEPEST) return false;
  const key = path[place];
  const isOfItems = isNameAfterList(source, key);
  const next = isOfItems ? place : place + 1;
  if (key !== "*" && !isOfItems) return hasValue(memberOf(source, key), path, expected, next, depth + 1);
  return Object.values(source).some((value) => hasValue(value, path, expected, next, depth + 1));
}

/** How deep a value may be nested, as in src/json.rs: deeper ones are not searched. */
const DEEPEST = 64;

/** @param {any} source @param {string} key */
const isNameAfterList = (source, key) =>
  Array.isArray(source) && key !== "*" && !(/^\d/.test(key) && key in source);

/** Returns an own member of an object or array. @param {any} source @param {string} name */
const memberOf = (source, name) => (Object.hasOwn(source, name) ? source[name] : undefined);

/**
 * Defines a member. An assignment to `__proto__`, which JSON may have as a name, would change a prototype.
 *
 * @param {object} target
 * @param {string} name
 * @param {unknown} value
 */
function put(target, name, value) {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** @param {any} field */
function fieldOf(field) {
  if (field === null) return null;
  const error = isObject(field) ? field.error : undefined;
  return error === undefined || error === null ? true : { error: problemOf(error) };
}

/**
 * Returns the strings and numbers of an error, for its message and codes.
 *
 * @param {any} error
 * @param {number} [depth] of the objects in it that are kept
 * @returns {any}
 */
function problemOf(error, depth = MAX_DEPTH) {
  if (typeof error === "number") return error;
  if (!isObject(error)) return shortened(error) ?? null;
  if (depth === 0) return {};
  const members = Object.entries(error).slice(0, MAX_MEMBERS);
  return Object.fromEntries(members.map(([name, value]) => [name, problemOf(value, depth - 1)]));
}

/** @param {unknown} text */
function shortened(text) {
  return typeof text === "string" ? text.slice(0, MAX_TEXT) : undefined;
}
