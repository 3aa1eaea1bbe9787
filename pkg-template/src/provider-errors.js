// What the provider said: the errors of a response as texts that are safe to show.
//
// Servers quote their input, so what may be secret in a request is removed by redaction.js. A text from which that is not
// certain is left out.

import { parsed } from "./response-outline.js";

/** @typedef {import("../index.js").ProviderError} ProviderError */
/** @typedef {import("./redaction.js").Redactor} Redactor */

const MAX_SHOWN = 5;
const MAX_MESSAGE = 500;
const MAX_CODE = 100;
const MAX_PATH = 200;

/** More characters of messages are not searched for secrets. */
const MAX_SEARCHED = 10_000;

/**
 * Returns the errors of a response, without secrets; `undefined` if there are none that can be shown.
 *
 * @param {any} answer
 * @param {() => Redactor} redactor of the secrets of the request and of the response
 * @returns {ProviderError[] | undefined}
 */
export function providerErrorsOf(answer, redactor) {
  try {
    const errors = reported(answer).filter(isError);
    if (errors.length === 0) return undefined;
    const { clean, quotes } = redactor();
    /** @type {ProviderError[]} */
    const shown = [];
    let searched = 0;
    for (const { message, code, path } of errors) {
      searched += Math.min(message.length, MAX_SEARCHED / 3);
      if (searched > MAX_SEARCHED) break;
      const said = shown.length < MAX_SHOWN ? clean(message, MAX_MESSAGE) : undefined;
      if (said === undefined) continue;
      const names = namesOf(path);
      // Signs between the parts of a secret would hide what they mean together.
      const joined = names.join("");
      const isShown = joined.length <= MAX_PATH * 2 && !quotes(joined);
      const details = {
        code: clean(code, MAX_CODE),
        path: isShown ? clean(names.join("."), MAX_PATH) : undefined,
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
 * @typedef {{ message: string, code?: unknown, path?: unknown }} Reported
 *
 * @param {{ message?: unknown }} error
 * @returns {error is Reported}
 */
function isError(error) {
  return typeof error.message === "string";
}

/** Returns the names and indexes of a path (GraphQL specification section 7.1.2), as many as can be shown. @param {unknown} path */
function namesOf(path) {
  const parts = Array.isArray(path) ? path.slice(0, MAX_PATH / 4) : [path];
  return parts.filter((part) => typeof part === "string" || Number.isInteger(part));
}

/**
 * Removes the codes and ids that quote a secret of the request from a response. The core shows codes and ids in
 * messages, and an opaque token can look like one.
 *
 * @param {string} text
 * @param {() => Redactor} redactor of the secrets of the request
 */
export function withoutQuotations(text, redactor) {
  /** @type {Redactor | undefined} */
  let known;
  let members = 0;
  return withPlainNames(text).replace(SHOWN_MEMBER, (member) =>
    ++members > MAX_MEMBERS || (known ??= redactor()).quotes(member) ? '"":0' : member,
  );
}

/** Messages show a few codes and ids. The search is not worth more time than these take. */
const MAX_MEMBERS = 100;

/**
 * Writes JSON without escapes in the names of its members, if it may have any: `\u0063` is a letter. No pattern looks for
 * the names themselves, because a text without an end would be searched from each of its signs.
 *
 * @param {string} text
 */
function withPlainNames(text) {
  if (!/\\u00[4-7]/i.test(text)) return text;
  const answer = parsed(text);
  return answer === undefined ? text : JSON.stringify(answer);
}

/** Members that messages show, up to 64 characters, each of which may be escaped. See src/graphql/response.rs. */
const SHOWN_MEMBER = /"(?:code|errorClass|requestId|error)"\s*:\s*"(?:[^"\\]|\\.){1,400}"/g;

/**
 * Removes granted scopes that quote a secret from a response: programs, events and lines show scopes.
 *
 * @param {string} text
 * @param {any} answer the response as JSON, which is changed
 * @param {string[]} paths of the scopes below `data`
 * @param {() => Redactor} redactor of credentials and tokens
 */
export function withoutSecretScopes(text, answer, paths, redactor) {
  /** @type {Redactor | undefined} */
  let known;
  let isChanged = false;
  const isPlain = (/** @type {unknown} */ scope) => {
    const isSecret = typeof scope === "string" && (known ??= redactor()).quotes(scope);
    isChanged ||= isSecret;
    return !isSecret;
  };
  for (const path of paths) {
    const [, parentPath, name = ""] = /^(?:(.*)\.)?(.*)$/.exec(path) ?? [];
    const parent = memberAt(answer, parentPath);
    const scopes = Object(parent)[name];
    // The core rejects longer lists.
    if (Array.isArray(scopes) && scopes.length <= MAX_SCOPES) parent[name] = scopes.filter(isPlain);
    if (typeof scopes === "string")
      parent[name] = scopes
        .split(/\s+/, MAX_SCOPES + 1)
        .filter(isPlain)
        .join(" ");
  }
  return isChanged ? JSON.stringify(answer) : text;
}

const MAX_SCOPES = 1_000;

/**
 * Returns a member of a response; `undefined` if there is none.
 *
 * @param {any} answer
 * @param {string | undefined} path below `data`, or in the response of an OAuth 2.0 server, which has no `data`
 */
export function memberAt(answer, path) {
  const names = path === undefined ? [] : path.split(".");
  return names.reduce((value, name) => Object(value)[name], Object(answer).data ?? answer);
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
  return [...(Array.isArray(errors) ? errors.slice(0, 10) : []), answer, own, ...payloads]
    .slice(0, 10)
    .map((each) => {
      if (typeof each !== "object") return { message: each };
      const { extensions } = each ?? {};
      return { ...each, code: extensions?.code ?? extensions?.errorClass ?? each?.code };
    });
}
