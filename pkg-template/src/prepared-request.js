// A request that may have to be sent twice.
//
// Decides what can be sent again, and takes it as it is when `fetch` is called.

/**
 * A request as it was when `fetch` was called: what the caller does to its parts
 * afterwards changes neither the first nor the second time that it is sent.
 *
 * @typedef {object} Prepared
 * @property {any} input
 * @property {Record<string, any>} init
 * @property {Headers | Record<string, any>} headers
 * @property {string} url
 * @property {AbortSignal | undefined} signal
 * @property {"ours" | "callers"} authorization who says what it identifies with
 * @property {"again" | "once"} repeat how often it can be sent
 */

/**
 * Takes a request as it is now.
 *
 * @param {any} input
 * @param {any} init
 * @returns {Prepared}
 */
export function prepare(input, init) {
  if (isRequest(init)) {
    // Its parts are no properties of its own, so that a copy would be empty.
    input = new Request(input, init);
    init = undefined;
  }
  const request = isRequest(input) ? input : undefined;
  const headers = copiedHeaders(init?.headers ?? request?.headers);
  const body = init?.body ?? undefined;
  const copy = copiedBody(body);
  const signal = init?.signal === undefined ? request?.signal : init.signal;
  /** @type {Record<string, any>} */
  const own = { ...init, headers };
  if (body !== undefined) own.body = copy ?? body;
  // `fetch` forgets a Request's referrer where it is given anything besides.
  if (init === undefined && request?.referrer && request.referrer !== "about:client")
    own.referrer = request.referrer;
  return {
    input,
    init: own,
    headers,
    url: request?.url ?? `${input}`,
    signal: signal ?? undefined,
    authorization: names(headers) ? "callers" : "ours",
    repeat: body === undefined || copy !== undefined ? "again" : "once",
  };
}

/**
 * What to send the second time; `undefined` where it can be sent only once.
 *
 * @param {Prepared} prepared
 * @returns {Prepared | undefined}
 */
export function kept(prepared) {
  if (prepared.repeat === "once") return undefined;
  const { input, init } = prepared;
  // A Request is used up by being sent. Older engines do not show whether it has a body.
  const isUsedUp =
    isRequest(input) && init.body === undefined && input.body !== null && !/^(GET|HEAD)$/.test(input.method);
  return isUsedUp ? { ...prepared, input: input.clone() } : prepared;
}

/** @param {any} value */
function isRequest(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof value.url === "string" &&
    typeof value.clone === "function"
  );
}

/**
 * A copy of its own, in the form that costs least: most callers give a plain object.
 *
 * @param {any} headers
 * @returns {Headers | Record<string, any>}
 */
function copiedHeaders(headers) {
  if (headers === undefined || headers === null) return {};
  return Object.getPrototypeOf(headers) === Object.prototype ? { ...headers } : new Headers(headers);
}

/**
 * Whether the caller has set `Authorization`. One without a value was not meant to be sent.
 *
 * @param {Headers | Record<string, any>} headers
 */
function names(headers) {
  if (headers instanceof Headers) return headers.has("authorization");
  let found = false;
  for (const name of Object.keys(headers)) {
    if (name.length !== 13 || name.toLowerCase() !== "authorization") continue;
    if (headers[name] === undefined || headers[name] === null) delete headers[name];
    else found = true;
  }
  return found;
}

/**
 * A copy of a body, as `fetch` takes one when it is called; `undefined` of a stream, which is sent once.
 *
 * @param {any} body
 * @returns {any}
 */
function copiedBody(body) {
  if (typeof body !== "object") return body;
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  }
  switch (Object.prototype.toString.call(body)) {
    case "[object ArrayBuffer]":
      return body.slice(0);
    case "[object URLSearchParams]":
      return new URLSearchParams(body);
    case "[object FormData]": {
      const copy = new FormData();
      for (const [name, value] of body) copy.append(name, value);
      return copy;
    }
    default: {
      const isStream = ["getReader", "pipe", "next", Symbol.asyncIterator].some((name) => name in body);
      return isStream ? undefined : body;
    }
  }
}
