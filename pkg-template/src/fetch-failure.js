// Classifies errors of `fetch`: failures of the network, or of a user-supplied `fetch` function.

/** @typedef {import("./redaction.js").Redactor} Redactor */

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
 * Classifies what `fetch` threw.
 *
 * @param {unknown} thrown
 * @param {Redactor} redactor of the secrets of the request
 * @returns {FetchFailure}
 */
export function failureOf(thrown, redactor) {
  try {
    const links = chain(thrown).map((link) => read(link, redactor));
    const { code } = links.findLast((link) => link.code !== undefined) ?? {};
    const cause = causeText(links[0]);
    const isNetwork = code === undefined ? links.every((link) => link.isNetwork) : NETWORK_CODE.test(code);
    if (isNetwork) return { code, what: undefined, retryable: true, cause };
    const link = links.find((link) => !link.isNetwork) ?? links[0];
    return { code, what: described(link), retryable: !MISTAKE.test(link.name), cause };
  } catch {
    // A proxy may throw at any access.
    const link = { name: "object", message: "that cannot be read", code: undefined, stack: "" };
    return { code: undefined, what: described(link), retryable: true, cause: causeText(link) };
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
    if (/^(?=.{2,40}$)[A-Z]{1,16}(?:_[A-Z]{1,16})*$/.test(code)) link.code = code;
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
const causeText = ({ name, message, code, stack }) => JSON.stringify({ name, message, code, stack });

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
 * @param {Redactor} redactor
 * @returns {Link & { isNetwork: boolean }}
 */
function read(thrown, { clean }) {
  if (typeof thrown !== "object" || thrown === null) {
    const name = thrown === undefined || thrown === null ? `${thrown}` : typeof thrown;
    return { name, message: "", code: undefined, stack: "", isNetwork: false };
  }
  const { name, message, code, stack } = thrown;
  const isNetworkCode = typeof code === "string" && NETWORK_CODE.test(code);
  const isCode =
    typeof code === "string" && /^\w{1,40}$/.test(code) && (isNetworkCode || clean(code, 40) === code);
  return {
    name: (clean(name, 60) ?? "").replace(/[^\w$.]/g, "") || "Error",
    message: clean(message, 300) ?? "",
    code: isCode ? code : undefined,
    stack: typeof stack === "string" ? cleanStack(stack, clean) : "",
    // By what was thrown: without its secrets, a message may be another one.
    isNetwork: DEADLINE.test(name) || NETWORK_MESSAGE.test(message) || isNetworkCode,
  };
}

/**
 * Returns the first lines of a stack without secrets; "" if lines are safe to show one by one, but not together.
 *
 * @param {string} stack
 * @param {Redactor["clean"]} clean
 */
function cleanStack(stack, clean) {
  const lines = stack.slice(0, 10_000).split("\n").slice(0, 12);
  const shown = lines.map((line) => clean(line, 300) ?? "");
  return clean(lines.join(" "), 3_000) === shown.join(" ").trim() ? shown.join("\n    ") : "";
}
