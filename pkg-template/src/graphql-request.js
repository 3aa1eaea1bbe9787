// `tokens.request`: GraphQL over HTTP, to the provider's endpoint.
//
// A response with data and without errors is recognized here; the core classifies every other response.

import { checkedSignal, reasonOf } from "./abort-signal.js";
import { outlined, parsed } from "./response-outline.js";
import { isAnswer, judged } from "./response-inspection.js";
import { withoutCache } from "./cache-mode.js";
import { causeOf, failureOf, secretsOf, withoutQuotations } from "./fetch-failure.js";
import { exchange } from "./authorized-fetch.js";
import { GraphQLRequestError } from "./graphql-request-error.js";
import { LARGEST, wholeText } from "./host-bindings.js";
import { prepare, sendable } from "./request-snapshot.js";
import { print } from "./print-document.js";
import { TokenError, errorOf } from "./token-error.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./session-handle.js").Desk} Desk */

/**
 * Sends a GraphQL operation and returns its data.
 *
 * @param {Desk} desk
 * @param {unknown} owner the public object, kept reachable while the call is pending
 * @param {any} document
 * @param {any} variables
 * @param {any} options
 * @returns {Promise<any>} rejects with a {@link TokenError} or a {@link GraphQLRequestError}
 */
export async function request(desk, owner, document, variables, options) {
  const { operationName, signal, headers, scopes: given, maxResponseBytes } = checked(options);
  const body = written({ query: textOf(document), variables: variables ?? undefined, operationName });
  if (desk.traits === undefined || desk.closed) await desk.ready();
  const { endpoint, name } = desk.traits;
  const operation = { operationName: operationName ?? undefined, variables };
  const scopes = typeof given === "function" ? scopesBy(given, document, name, operation) : given;
  const init = {
    method: "POST",
    headers: headersFor(desk, headers),
    body,
    redirect: "manual",
    ...withoutCache(),
    signal,
  };
  const look = reading(maxResponseBytes);
  const prepared = prepare(endpoint, init);
  const { response, text, rejected, token } = await sent(desk, owner, prepared, signal, scopes, look);
  const answer = parsed(text);
  const outline = () =>
    withoutQuotations(
      outlined(text ?? "", () => answer),
      [...entriesOf(prepared.headers), ["", token ?? ""]],
    );
  if (rejected) throw errorOf(desk.explain((core) => core.rejected(response, outline(), scopes, desk)));
  const isTrusted = isAnswer(response) && (response.ok || isGraphQl(response));
  if (isTrusted && isObject(answer?.data) && isEmpty(answer.errors)) return answer.data;
  const fields = desk.explain((core) => core.explain(response, outline()));
  if (fields.code !== "graphql_errors") throw errorOf(fields);
  const { message, ...details } = fields;
  throw new GraphQLRequestError(message, { ...details, errors: answer.errors, data: answer.data });
}

/**
 * Calls the function that was passed as option `scopes`. If it returns no scopes, the document is sent with the
 * session's own token.
 *
 * @param {(document: any, request: object) => unknown} scopesOf
 * @param {any} document
 * @param {string} provider
 * @param {object} operation
 * @returns {string[] | undefined}
 */
function scopesBy(scopesOf, document, provider, operation) {
  const needed = called(() => scopesOf(document, { provider, ...operation }), provider);
  const isList = Array.isArray(needed) && needed.every((scope) => typeof scope === "string");
  if (!isList) throw invalid("the function given as option `scopes` must return an array of strings");
  return needed.length > 0 ? [...needed] : undefined;
}

/**
 * Calls `scopesOf` and converts its exception to a {@link TokenError}.
 *
 * @param {() => unknown} scopesOf
 * @param {string} provider
 */
function called(scopesOf, provider) {
  try {
    return handled(scopesOf());
  } catch (thrown) {
    // `requiredScopes` belongs to another entry, with its own copy of the class: the error is rebuilt with this one.
    if (TokenError.is(thrown)) throw errorOf({ ...thrown, message: thrown.message, provider });
    throw new TokenError(
      "invalid_options",
      "the function given as option `scopes` threw an error; see `cause`",
      {
        provider,
        cause: thrown,
      },
    );
  }
}

/**
 * Sends a request and converts errors of `fetch` to a {@link TokenError}.
 *
 * @param {Desk} desk
 * @param {unknown} owner
 * @param {import("./request-snapshot.js").Prepared} prepared
 * @param {AbortSignal | undefined} signal
 * @param {string[] | undefined} scopes
 * @param {import("./authorized-fetch.js").Look} look
 */
async function sent(desk, owner, prepared, signal, scopes, look) {
  try {
    if (prepared.authorization === "callers") {
      const response = await desk.fetch(...sendable(prepared));
      return { response, text: (await look(desk, response, false)).text, rejected: false, token: undefined };
    }
    const options = scopes === undefined ? signal && { signal } : { signal, scopes };
    return await exchange(desk, owner, prepared, options, look);
  } catch (error) {
    if (signal?.aborted) throw reasonOf(signal);
    throw TokenError.is(error) ? error : unreachable(desk, prepared, error);
  }
}

/**
 * Returns a function that reads a response whole. No clone is needed, because the caller does not receive the response.
 *
 * @param {number} largest in bytes
 * @returns {import("./authorized-fetch.js").Look}
 */
function reading(largest) {
  return async (desk, response, isOurs) => {
    if (!isAnswer(response)) return { text: undefined, ruling: undefined };
    const text = await wholeText(response, largest);
    if (text === undefined) throw tooLarge(desk, largest);
    const ruling = isOurs
      ? judged(desk, response.status, text.length > LARGEST ? undefined : text)
      : undefined;
    return { text, ruling };
  };
}

/**
 * @param {Desk} desk
 * @param {number} largest
 */
function tooLarge({ traits: { name: provider } }, largest) {
  return new TokenError(
    "protocol",
    `${provider} answered with more than ${largest} bytes; ask for less, or set \`maxResponseBytes\` higher`,
    { provider },
  );
}

/** The default of `maxResponseBytes`: 16 MiB, ten times the size of a list of a thousand objects. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

/**
 * Returns the error for a request without a response.
 *
 * @param {Desk} desk
 * @param {import("./request-snapshot.js").Prepared} prepared
 * @param {unknown} thrown by `fetch`
 */
function unreachable({ traits: { name: provider, endpoint } }, { headers, init }, thrown) {
  const secrets = secretsOf(entriesOf(headers), init.body);
  const { code, what, retryable, cause } = failureOf(thrown, secrets);
  const details = { provider, cause: causeOf(cause) };
  if (what !== undefined) {
    const message = `the \`fetch\` that ${provider} is called with threw ${what}; see the option \`fetch\`, or what replaces the global one`;
    return new TokenError("fetch_threw", message, { ...details, retryable });
  }
  const why = code === undefined ? "" : ` (${code})`;
  const api = `${provider} (${new URL(endpoint).origin})`;
  if (code !== undefined && /TIME_?OUT|TIMEDOUT/.test(code)) {
    return new TokenError("timeout", `${api} took too long to answer${why}; check the network`, details);
  }
  const message =
    `${api} cannot be reached${why}; check \`endpoint\` and the network, and in a browser that the server allows ` +
    "this origin (CORS)";
  return new TokenError("network", message, details);
}

/**
 * @param {Headers | Record<string, string>} headers
 * @returns {Iterable<[name: string, value: string]>}
 */
function entriesOf(headers) {
  return /** @type {any} */ (
    typeof headers.entries === "function" ? headers.entries() : Object.entries(headers)
  );
}

/**
 * Returns the headers of a request: the package's own, overridden by the provider's and then by the caller's.
 *
 * @param {Desk} desk
 * @param {Headers | undefined} given
 */
function headersFor(desk, given) {
  const own = {
    "content-type": "application/json",
    accept: ACCEPT,
    ...Object.fromEntries(desk.traits.headers),
  };
  if (given === undefined) return own;
  const headers = new Headers(own);
  given.forEach((/** @type {string} */ value, /** @type {string} */ name) => headers.set(name, value));
  return headers;
}

/** Source: GraphQL over HTTP, section 5.2. */
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

/** Validates and copies the options of `request()`. @param {any} options */
function checked(options = {}) {
  if (!isObject(options))
    throw invalid("the options of request() are no object; give one, or leave them out");
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key))
      throw invalid(`an option of request() is not known; known are \`${OPTIONS.join("`, `")}\``);
  }
  const { operationName, signal, headers, scopes, maxResponseBytes = LARGEST_ANSWER } = options;
  if (operationName !== undefined && operationName !== null && typeof operationName !== "string") {
    throw invalid("option `operationName` is no string; give the name of an operation of the document");
  }
  if (typeof maxResponseBytes !== "number" || !(maxResponseBytes > 0)) {
    throw invalid("option `maxResponseBytes` must be a number of bytes above 0, or left out");
  }
  // Copied, so that later changes by the caller have no effect.
  const own = {
    headers: headers === undefined ? undefined : new Headers(headers),
    scopes: Array.isArray(scopes) ? [...scopes] : scopes,
  };
  return { operationName, signal: checkedSignal(signal), maxResponseBytes, ...own };
}

const OPTIONS = ["operationName", "signal", "headers", "scopes", "maxResponseBytes"];

/** @param {any} document */
function printed(document) {
  try {
    return print(document);
  } catch (error) {
    if (TokenError.is(error)) throw error;
    throw invalid("the document of request() is nested too deep, or is not a tree as graphql-js makes it");
  }
}

/** Returns the source of a document. @param {any} document */
function textOf(document) {
  if (isObject(document) && Array.isArray(document.definitions)) return printed(document);
  const isText =
    typeof document === "string" || Object.prototype.toString.call(document) === "[object String]";
  const text = isText ? `${document}` : "";
  if (text.trim() !== "") return text;
  throw invalid("request() needs a GraphQL document first: a string, or a DocumentNode as `gql` gives");
}

/** Serializes the body of a request. @param {{ query: string, variables: any, operationName: any }} body */
function written(body) {
  if (body.variables !== undefined && !isObject(body.variables)) {
    throw invalid("the variables of request() are no object; give one, or leave them out");
  }
  try {
    return JSON.stringify(body);
  } catch {
    throw invalid(
      "the variables of request() cannot be written as JSON: a bigint, or an object in itself; give JSON",
    );
  }
}

/** @param {string} message */
function invalid(message) {
  return new TokenError("invalid_options", message);
}

/** Returns whether a response has the media type of GraphQL over HTTP. @param {Response} response */
function isGraphQl({ headers }) {
  return /^application\/graphql-response\+json\s*(?:;|$)/i.test(headers.get("content-type") ?? "");
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} errors */
function isEmpty(errors) {
  return errors === undefined || errors === null || (Array.isArray(errors) && errors.length === 0);
}
