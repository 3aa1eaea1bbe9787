// Classifies errors of `fetch`: failures of the network, or of a user-supplied `fetch` function.

/**
 * @typedef {object} FetchFailure
 * @property {string | undefined} code the system's error code, if there is one
 * @property {string | undefined} what class and message of the error; `undefined` for a failure of the network
 * @property {boolean} retryable
 * @property {string} cause JSON for `causeOf` of token-error.js; contains no secret
 */

/** Codes of Node, undici, OpenSSL, llhttp, zlib, Brotli, Zstandard and Bun for connections and bodies that fail. */
const NETWORK_CODE =
  /^(?:E(?:ADDR|AI_|ALREADY|CONN|HOST|MFILE|NET|NFILE|NOBUFS|NOTCONN|NOTFOUND|PIPE|PROTO|SOCKET|TIMEDOUT)|ERR_(?:_ERROR|HTTP2|NETWORK|SOCKET|SSL|STREAM_PREMATURE|TLS)|UND_ERR_(?!INVALID|NOT_SUPPORTED)|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HPE_|Z_|ZSTD_|Connection|FailedToOpenSocket)/;

/** Messages of engines and libraries for connections and bodies that fail, without a code. */
const NETWORK_MESSAGE =
  /^(?:fetch failed|failed to fetch|network ?error|network request|network connection|load failed|terminated$|cancelled$|error (?:sending request|trying to connect|in (?:input|body) stream|decoding response)|the (?:network|internet|socket) connection|could not connect|unable to connect|a server with the specified|connection |premature close|invalid response body|proxy authentication|(?:brotli|deflate|gzip|zstd|zlib)(?: decompression |decompression| )?error)/i;

/** Names of errors for a timeout that a `fetch` function set itself. */
const DEADLINE = /^(?:AbortError|TimeoutError)$/;

/** Classes of programming errors, which the network does not cause and a retry does not fix. */
const MISTAKE = /^(?:EvalError|RangeError|ReferenceError|SyntaxError|URIError)$/;

/**
 * Classifies an error of `fetch`. An unknown `TypeError` is retryable, because engines throw it for network failures
 * too.
 *
 * @param {unknown} thrown
 * @param {string[] | undefined} secrets to redact from all texts; if `undefined`, no text is copied
 * @returns {FetchFailure}
 */
export function failureOf(thrown, secrets) {
  try {
    const links = chain(thrown).map((link) => read(link, secrets));
    const { code } = links.findLast((link) => link.code !== undefined) ?? {};
    const cause = JSON.stringify(links[0]);
    const isNetwork = code === undefined ? links.every(isNetworkFailure) : NETWORK_CODE.test(code);
    if (isNetwork) return { code, what: undefined, retryable: true, cause };
    const link = links.find((link) => !isNetworkFailure(link)) ?? links[0];
    return { code, what: described(link), retryable: !MISTAKE.test(link.name), cause };
  } catch {
    // A proxy may throw at any access.
    const link = { name: "object", message: "that cannot be read", code: undefined, stack: "" };
    return { code: undefined, what: described(link), retryable: true, cause: JSON.stringify(link) };
  }
}

/**
 * Describes what a user-supplied function threw that handles secrets, without its message, which may quote any of them:
 * the class, the system's error code, and the stack where it is certain that it has no part of the message.
 *
 * @param {any} thrown
 * @returns {string} JSON for `causeOf` of token-error.js
 */
export function withoutMessage(thrown) {
  const link = { name: "Error", message: "", code: /** @type {string | undefined} */ (undefined), stack: "" };
  try {
    const { name, message, code, stack } = thrown;
    if (/^[A-Z][A-Za-z]{0,39}(?:Error|Exception)$/.test(name)) link.name = name;
    if (/^E?[A-Z_]{2,40}$/.test(code)) link.code = code;
    const head = `: ${message}\n    at `;
    const index = `${stack}`.indexOf(head);
    if (index >= 0 && index <= 60) link.stack = `${link.name}${stack.slice(index + head.length - 8, 2_000)}`;
  } catch {
    // A proxy may throw at any access.
  }
  return JSON.stringify(link);
}

/** @typedef {{ name: string, message: string, code: string | undefined, stack: string }} Link */

/** @param {Link} link */
const isNetworkFailure = ({ name, message, code }) =>
  DEADLINE.test(name) || NETWORK_MESSAGE.test(message) || (code !== undefined && NETWORK_CODE.test(code));

/** @param {Link} link */
const described = ({ name, message }) => (message === "" ? name : `${name}: ${message}`);

/**
 * Returns an error and its chain of causes, at most four in all.
 *
 * @param {any} thrown
 * @returns {any[]}
 */
function chain(thrown) {
  const links = [thrown];
  while (links.length < 4) {
    const last = links[links.length - 1];
    const next = last?.cause ?? (Array.isArray(last?.errors) ? last.errors[0] : undefined);
    if (typeof next !== "object" || next === null) break;
    links.push(next);
  }
  return links;
}

/**
 * @param {any} thrown
 * @param {string[] | undefined} secrets
 * @returns {Link}
 */
function read(thrown, secrets) {
  if (typeof thrown !== "object" || thrown === null) {
    return {
      name: thrown === undefined || thrown === null ? `${thrown}` : typeof thrown,
      message: "",
      code: undefined,
      stack: "",
    };
  }
  const { name, message, code, stack } = thrown;
  const clean = (/** @type {unknown} */ text, /** @type {number} */ most) =>
    typeof text === "string" && secrets ? redacted(text, secrets).slice(0, most) : "";
  return {
    name: clean(name, 60).replace(/[^\w$.]/g, "") || "Error",
    message: clean(message, 300),
    code: typeof code === "string" && /^[A-Za-z0-9_]{1,40}$/.test(code) ? code : undefined,
    stack: clean(stack, 2_000),
  };
}

/**
 * @param {string} text
 * @param {string[]} secrets longest first
 */
function redacted(text, secrets) {
  if (text.length > 100_000) return "";
  for (const secret of secrets) text = text.replaceAll(secret, "[redacted]");
  return text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, " ");
}

/**
 * Returns the texts of a request that an error must not quote: the values of its headers and all strings in its body,
 * each as it is, JSON-escaped and percent-encoded.
 *
 * @param {Iterable<[name: string, value: string]>} headers
 * @param {unknown} body
 * @returns {string[] | undefined} longest first; `undefined` if there are too many to search for
 */
export function secretsOf(headers, body) {
  /** @type {Set<string>} */
  const found = new Set();
  for (const [name, value] of headers) {
    if (!/^(?:accept|content-type)$/i.test(name))
      for (const text of [value, ...value.split(" ")]) found.add(text);
  }
  if (typeof body === "string") {
    if (body.length > 65_536) return undefined;
    found.add(body);
    collect(parsedBody(body), found);
  }
  /** @type {Set<string>} */
  const written = new Set();
  for (const text of found) {
    const json = JSON.stringify(text).slice(1, -1);
    for (const form of [text, json, JSON.stringify(json).slice(1, -1), escaped(text)]) {
      if (form.length > 2) written.add(form);
    }
  }
  return written.size > 2_000 ? undefined : [...written].sort((one, other) => other.length - one.length);
}

/** @param {string} text */
function escaped(text) {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the members of a JSON body or the fields of a form. @param {string} body */
export function parsedBody(body) {
  try {
    return JSON.parse(body);
  } catch {
    return Object.fromEntries(new URLSearchParams(body));
  }
}

/** @param {any} value @param {Set<string>} into */
function collect(value, into) {
  if (typeof value === "string") into.add(value);
  else if (typeof value === "object" && value !== null)
    for (const each of Object.values(value)) collect(each, into);
}
