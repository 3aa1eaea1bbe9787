// An answer whose body was read, and which gives it to the caller as if it was not.
//
// For Node alone. A copy by `clone()` splits a stream, which takes ten times as long there as all else that a call
// adds; and nothing in Node takes an answer but by its public members. Elsewhere engines do (`respondWith`,
// `Cache.put`, what a Worker's handler returns), and would find its body used up.

import { runFakedMicrotasks } from "./microtask.js";
import { lazyTextDecoder } from "./utf8.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * What was read. Given as it is at most once: what asks for it in another form gets it from `other`.
 *
 * @typedef {object} Read
 * @property {Uint8Array<any>} bytes
 * @property {string} text
 * @property {"whole" | "taken"} state
 * @property {Response | undefined} other with the same body, unread
 */

const READ = Symbol("read");
const decoder = lazyTextDecoder();

/**
 * Whether an answer is one of Node's own, as its `fetch` gave it.
 *
 * @param {Response} response
 */
export function canReadAhead(response) {
  const { Response } = globalThis;
  if (Response !== known) {
    known = Response;
    members = isNodes(Response) ? membersOver(Response) : undefined;
  }
  return (
    members !== undefined &&
    Object.getPrototypeOf(response) === Response.prototype &&
    // Someone has changed it, who knows how.
    Object.getOwnPropertyNames(response).length === 0
  );
}

/** @type {typeof globalThis.Response | undefined} */
let known;
/** What an answer that was read inherits. Made when first needed: the import has no side effect. */
/** @type {object | undefined} */
let members;

/** @param {typeof globalThis.Response} Base */
function isNodes(Base) {
  const versions = /** @type {any} */ (globalThis).process?.versions;
  // Bun and Deno say that they are Node as well; in Electron, pages have the browser's class.
  return (
    versions?.undici !== undefined &&
    [versions.bun, versions.deno, versions.electron].every((other) => other === undefined) &&
    !Function.prototype.toString.call(Base.prototype.clone).includes("[native code]")
  );
}

/**
 * Reads an answer to its end, if that comes before a size.
 *
 * @param {Response} response
 * @param {number} largest
 * @returns {Promise<string | undefined>} `undefined` if it is longer, or broke off, as the caller will find
 */
export async function readAhead(response, largest) {
  const inherited = members;
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  const isWhole = await readInto(parts, reader, largest).catch(() => false);
  if (!isWhole) {
    const other = new Response(restored(parts, reader), { headers: response.headers });
    become(response, inherited, { bytes: NONE, text: "", state: "whole", other });
    return undefined;
  }
  const bytes = parts.length === 1 ? parts[0] : joined(parts);
  const text = decoder.decode(bytes).replace(/^\uFEFF/, "");
  become(response, inherited, { bytes, text, state: "whole", other: undefined });
  return text;
}

const NONE = new Uint8Array(0);

/**
 * @param {Uint8Array[]} parts
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {number} largest
 */
export async function readInto(parts, reader, largest) {
  let size = 0;
  for (;;) {
    const { done, value } = await handled(reader.read());
    runFakedMicrotasks();
    if (done) return true;
    parts.push(value);
    size += value.byteLength;
    if (!(size <= largest)) return false;
  }
}

/**
 * A body as it was before something of it was read.
 *
 * @param {Uint8Array[]} parts that were
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader of what follows: the rest, or why there is none
 */
function restored(parts, reader) {
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const value = parts.shift() ?? (await reader.read()).value;
      if (value !== undefined) return controller.enqueue(/** @type {any} */ (value));
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** @param {Uint8Array[]} parts */
export function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.byteLength;
  }
  return bytes;
}

/**
 * @template {Response} T
 * @param {T} response
 * @param {any} inherited
 * @param {Read} read
 * @returns {T}
 */
function become(response, inherited, read) {
  Object.defineProperty(response, READ, { value: read });
  // By what it inherits, and not by properties of its own, which take the engine five times as long.
  return Object.setPrototypeOf(response, inherited);
}

/** @param {typeof globalThis.Response} Base */
function membersOver(Base) {
  class ReadAhead extends Base {
    /** @returns {any} */
    get body() {
      return otherOf(this).body;
    }
    get bodyUsed() {
      const { state, other } = readOf(this);
      return state === "taken" || other?.bodyUsed === true;
    }
    async text() {
      return taken(this) ?? otherOf(this).text();
    }
    async json() {
      const text = taken(this);
      return text === undefined ? otherOf(this).json() : JSON.parse(text);
    }
    async arrayBuffer() {
      return otherOf(this).arrayBuffer();
    }
    async blob() {
      return otherOf(this).blob();
    }
    async bytes() {
      return otherOf(this).bytes();
    }
    async formData() {
      return otherOf(this).formData();
    }
    clone() {
      const read = readOf(this);
      // Of one that was used this throws what it should.
      const other = read.state === "taken" ? otherOf(this).clone() : read.other?.clone();
      const copy = new Base(null, this);
      for (const name of /** @type {const} */ (["url", "redirected", "type"])) {
        Object.defineProperty(copy, name, { value: this[name] });
      }
      return become(copy, Object.getPrototypeOf(this), { ...read, other });
    }
  }
  const own = /** @type {any} */ (ReadAhead.prototype);
  if (!("bytes" in Base.prototype)) delete own.bytes;
  // That it is another class is nobody's business.
  delete own.constructor;
  return own;
}

/** @param {any} response @returns {Read} */
const readOf = (response) => response[READ];

/**
 * The text, for the first who asks for the body, if that is what they ask for.
 *
 * @param {Response} response
 */
function taken(response) {
  const read = readOf(response);
  if (read.state === "taken" || read.other !== undefined) return undefined;
  read.state = "taken";
  return read.text;
}

/**
 * An answer with the same body, made when it is needed; used up where that one is.
 *
 * @param {Response} response
 * @returns {any}
 */
function otherOf(response) {
  const read = readOf(response);
  if (read.other === undefined) {
    read.other = new Response(read.bytes, { headers: response.headers });
    if (read.state === "taken") void read.other.arrayBuffer();
  }
  return read.other;
}
