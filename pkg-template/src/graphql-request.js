// `tokens.request`: GraphQL over HTTP, to the provider's endpoint.
//
// A response with data and without errors is recognized here; the core classifies every other response.

import { reasonOf } from "./abort-signal.js";
import { sendWithReplay } from "./authorized-fetch.js";
import { readText } from "./body-reading.js";
import { withoutCache } from "./cache-mode.js";
import { fetchArguments } from "./fetch-arguments.js";
import { failureOf } from "./fetch-failure.js";
import { AnswerError, GraphQLRequestError } from "./graphql-request-error.js";
import { isObject } from "./is-object.js";
import { bodyOf } from "./operation-body.js";
import { providerErrorsOf, withoutQuotations } from "./provider-errors.js";
import { redactor } from "./redaction.js";
import { secretsOfOperation, variablesOf } from "./request-secrets.js";
import { presentIn, requestSnapshot } from "./request-snapshot.js";
import { authStatusOf, isResponse } from "./response-inspection.js";
import { outlined, parsed } from "./response-outline.js";
import { matchedRules } from "./rule-functions.js";
import { TokenError, causeOf, errorOf } from "./token-error.js";
import { MAX_JSON_BYTES } from "./tables.js";
import { handled } from "../stores/foreign-promise.js";

/** @typedef {import("./operation-snapshot.js").OperationSnapshot} OperationSnapshot */
/** @typedef {import("./request-snapshot.js").RequestSnapshot} RequestSnapshot */
/** @typedef {import("./session-handle.js").SessionHandle} SessionHandle */

/**
 * Sends a GraphQL operation and returns its data. The core is running.
 *
 * @param {SessionHandle} handle
 * @param {unknown} publicObject the public object, kept reachable while the call is pending
 * @param {OperationSnapshot} operation
 * @returns {Promise<any>} rejects with a {@link TokenError} or a {@link GraphQLRequestError}
 */
export async function sendOperation(handle, publicObject, operation) {
  const body = bodyOf(operation);
  const { signal } = operation;
  const scopes = scopesOf(operation, handle.api.name);
  // Without an await where there are none: the stack of an error leads to the caller by its synchronous part.
  const { secretHeaders } = handle.api;
  const headerSecrets = secretHeaders.length === 0 ? [] : await headerSecretsOf(handle, publicObject, signal);
  const init = {
    method: "POST",
    headers: headersFor(handle, headerSecrets, operation.headers),
    body,
    redirect: "manual",
    ...withoutCache(),
    signal,
  };
  const inspect = reading(operation.maxResponseBytes);
  const request = requestSnapshot(handle.api.endpoint, init);
  presentIn(request, handle.api.tokenHeader);
  const secretsOfRequest = () => [...headerSecrets, ...secretsOf(handle, request)];
  const { response, text, rejected, token, isSignedOut } = await send(
    handle,
    publicObject,
    request,
    signal,
    scopes,
    inspect,
    secretsOfRequest,
  );
  const answer = parsed(text);
  const secrets = () => {
    const newer = handle.api.rotationHeaders.map((name) => response.headers?.get(name));
    const tokens = [token, ...newer].filter((each) => typeof each === "string");
    return redactor([...tokens, ...secretsOfRequest()]);
  };
  const outline = () =>
    withoutQuotations(
      outlined(text ?? "", () => answer),
      secrets,
    );
  const quoting = (/** @type {any} */ fields) => {
    // Only a GraphQL response is the API's own; JSON of another form may come from anything in between.
    const errors = Array.isArray(answer?.errors) && handle.api.quotesErrors ? answer.errors : [];
    const said = providerErrorsOf({ errors }, secrets);
    // Not if the core has ended, whose error is not about the response.
    if (said === undefined || TokenError.is(fields)) return fields;
    const [{ path, message: first }] = said;
    // A rejection may concern one field, which the user may not read.
    const where = rejected && path ? ` of \`${path}\`` : "";
    const message = `${fields.message}; ${fields.provider} says${where}: “${first}”`;
    return { ...fields, message, providerErrors: said };
  };
  if (rejected) {
    const fields = isSignedOut
      ? signedOut(handle, response)
      : quoting(
          handle.deriveErrorFields((core) => core.explainRejection(response, outline(), scopes, handle)),
        );
    throw rejection(fields, answer);
  }
  const isTrusted = isResponse(response) && (response.ok || isGraphQl(response));
  if (isTrusted && isObject(answer?.data) && isEmpty(answer.errors)) return answer.data;
  const matched = isResponse(response)
    ? matchedRules(handle, ["throttled", "unavailable"], response, answer, false)
    : 0;
  const fields = quoting(
    handle.deriveErrorFields((core) => core.classifyResponse(response, outline(), matched)),
  );
  if (fields.code !== "graphql_errors") throw errorOf(fields);
  // `errors` has all of them, and is not printed.
  const { message, code: _code, providerErrors: _, ...details } = fields;
  throw new GraphQLRequestError(message, { ...details, errors: answer.errors, data: answer.data });
}

/**
 * Returns the scopes that an operation requires: option `scopes`, or the result of the function that was passed. If that
 * returns no scopes, the operation is sent with the session's own token.
 *
 * @param {OperationSnapshot} operation
 * @param {string} provider
 * @returns {string[] | undefined}
 */
function scopesOf({ scopes, document, operationName, variables }, provider) {
  if (typeof scopes !== "function") return scopes;
  const needed = called(() => scopes(document, { provider, operationName, variables }), provider);
  const isList = Array.isArray(needed) && needed.every((scope) => typeof scope === "string");
  if (!isList) {
    throw new TokenError(
      "invalid_options",
      "the function given as option `scopes` must return an array of strings",
    );
  }
  return needed.length > 0 ? [...needed] : undefined;
}

/**
 * Calls a user-supplied function and converts its exception to a {@link TokenError}.
 *
 * @param {() => unknown} action
 * @param {string} provider
 */
function called(action, provider) {
  try {
    return handled(action());
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
 * @param {SessionHandle} handle
 * @param {unknown} publicObject
 * @param {RequestSnapshot} request
 * @param {AbortSignal | undefined} signal
 * @param {string[] | undefined} scopes
 * @param {import("./authorized-fetch.js").Inspect} inspect
 * @param {() => string[]} secrets of the request
 */
async function send(handle, publicObject, request, signal, scopes, inspect, secrets) {
  try {
    if (!request.takesToken) {
      const response = await handle.fetch(...fetchArguments(request));
      return {
        response,
        text: (await inspect(handle, response, false)).text,
        rejected: false,
        token: undefined,
      };
    }
    const options = scopes === undefined ? signal && { signal } : { signal, scopes };
    return await sendWithReplay(handle, publicObject, request, options, inspect);
  } catch (error) {
    if (signal?.aborted) throw reasonOf(signal);
    throw TokenError.is(error)
      ? error
      : networkError(handle, [...secrets(), ...variablesOf(request.init.body)], error);
  }
}

/**
 * Returns a function that reads a response whole. No clone is needed, because the caller does not receive the response.
 *
 * @param {number} limit in bytes
 * @returns {import("./authorized-fetch.js").Inspect}
 */
function reading(limit) {
  return async (handle, response, hadToken) => {
    if (!isResponse(response)) return { text: undefined, authStatus: /** @type {const} */ ("accepted") };
    const text = await readText(response, limit);
    if (text === undefined) throw tooLarge(handle, limit);
    const authStatus = hadToken
      ? authStatusOf(handle, response, text.length > MAX_JSON_BYTES ? undefined : text)
      : "accepted";
    return { text, authStatus };
  };
}

/**
 * Returns the error of a rejection, with the errors and the data of its response, which may concern one field alone.
 *
 * @param {any} fields of the error, or an error that does not concern the response
 * @param {any} answer
 */
function rejection(fields, answer) {
  if (TokenError.is(fields)) return fields;
  const { code, message, ...details } = fields;
  const errors = Array.isArray(answer?.errors) ? answer.errors : undefined;
  return new AnswerError(code, message, { ...details, errors, data: answer?.data });
}

/**
 * Returns the fields of the error where the token of a request was rejected after a sign-out.
 *
 * @param {SessionHandle} handle
 * @param {Response} response
 */
function signedOut({ api: { name: provider } }, { status }) {
  const message =
    `${provider} rejected the token of a request that was sent before clear(); it is not sent again with another ` +
    "token; send it again if it belongs to the current user";
  return { code: "token_rejected", message, provider, status };
}

/**
 * @param {SessionHandle} handle
 * @param {number} limit
 */
function tooLarge({ api: { name: provider } }, limit) {
  return new TokenError(
    "protocol",
    `${provider} answered with more than ${limit} bytes; ask for less, or set \`maxResponseBytes\` higher`,
    { provider },
  );
}

/**
 * Returns the error for a request without a response.
 *
 * @param {SessionHandle} handle
 * @param {string[]} secrets also the variables: an error of the program's own `fetch` can be understood without them
 * @param {unknown} thrown by `fetch`
 */
function networkError(handle, secrets, thrown) {
  const { name: provider, endpoint } = handle.api;
  const { code, what, retryable, cause } = failureOf(thrown, redactor(secrets));
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
  // Browsers state no reason, because of CORS; a system's code excludes it. Workers of a page have no document.
  const origin = code === undefined ? /** @type {any} */ (globalThis).location?.origin : undefined;
  const message =
    origin === undefined
      ? `${api} cannot be reached${why}; check \`endpoint\` and the network`
      : `${api} gave no response that this page may read; the browser's console names the cause: check that it allows the origin ${origin} and the headers of the request (CORS), such as \`authorization\`, \`endpoint\` and the network`;
  return new TokenError("network", message, details);
}

/**
 * Returns what may be secret in a request, besides its variables.
 *
 * @param {SessionHandle} handle
 * @param {RequestSnapshot} request
 */
function secretsOf(handle, { headers, init }) {
  const { query } = JSON.parse(init.body);
  return [...handle.knownTokens(), ...secretsOfOperation(handle.api.endpoint, entriesOf(headers), query)];
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
 * Returns the values of the headers that functions return, in the order of their names in the profile.
 *
 * @param {SessionHandle} handle
 * @param {unknown} publicObject
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<string[]>}
 */
async function headerSecretsOf(handle, publicObject, signal) {
  return handle.startCall("getHeaderSecrets", signal && { signal }, (values) => values, publicObject);
}

/**
 * Returns the headers of a request: the package's own, overridden by the provider's and then by the caller's.
 *
 * @param {SessionHandle} handle
 * @param {string[]} headerSecrets
 * @param {Headers | undefined} given
 */
function headersFor(handle, headerSecrets, given) {
  const { headers: plain, secretHeaders } = handle.api;
  const own = {
    "content-type": "application/json",
    accept: ACCEPT,
    ...Object.fromEntries(plain),
    ...Object.fromEntries(secretHeaders.map((name, index) => [name, headerSecrets[index]])),
  };
  if (given === undefined) return own;
  const headers = new Headers(own);
  given.forEach((/** @type {string} */ value, /** @type {string} */ name) => headers.set(name, value));
  return headers;
}

/** Source: GraphQL over HTTP, section 5.2. */
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";

/** Returns whether a response has the media type of GraphQL over HTTP. @param {Response} response */
function isGraphQl({ headers }) {
  return /^application\/graphql-response\+json\s*(?:;|$)/i.test(headers.get("content-type") ?? "");
}

/** @param {unknown} errors */
function isEmpty(errors) {
  return errors === undefined || errors === null || (Array.isArray(errors) && errors.length === 0);
}
