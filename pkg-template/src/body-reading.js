// Reads the bodies of responses, which may be user-supplied.

import { ignoringErrors } from "./ignoring-errors.js";
import { runFakedMicrotasks } from "./microtask.js";
import { MAX_JSON_BYTES } from "./tables.js";
import { lazyTextDecoder } from "./utf8.js";
import { handled } from "../stores/foreign-promise.js";

/**
 * Returns a reader of a body: of a web stream, or of a Node stream as node-fetch and cross-fetch return.
 *
 * @param {any} body
 * @returns {ReadableStreamDefaultReader<any> | undefined}
 */
export function readerOf(body) {
  try {
    if (typeof body.getReader === "function") return body.getReader();
    const chunks = body[Symbol.asyncIterator]();
    return /** @type {any} */ ({ read: () => chunks.next(), cancel: () => chunks.return() });
  } catch {
    return undefined;
  }
}

const decoder = lazyTextDecoder();

/**
 * Reads the text of a stream, which may be user-supplied. Returns `undefined` if it is longer than `limit`. Stops
 * when `signal` is aborted, because the stream may ignore the signal and never end.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {AbortSignal} [signal]
 * @param {number} [limit] in bytes; 1 MiB by default
 */
export async function readUpTo(reader, signal, limit = MAX_JSON_BYTES) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for (let counted = 0; !signal?.aborted;) {
    const { value } = await handled(reader.read());
    runFakedMicrotasks();
    // `ArrayBuffer.isView` accepts arrays of any realm and rejects objects that only inherit from one.
    if (!ArrayBuffer.isView(value)) break;
    // A copy, which throws if the buffer was detached.
    const part = new Uint8Array(value);
    parts.push(part);
    size += part.length;
    // Empty chunks count too, or a stream of them would never end.
    counted += part.length || 64;
    if (counted > limit) {
      // Not awaited: for a clone, it resolves only after the caller has read the original.
      ignoringErrors(() => reader.cancel());
      return undefined;
    }
  }
  const bytes = new Uint8Array(size);
  for (const part of parts.reverse()) bytes.set(part, (size -= part.length));
  return decoder.decode(bytes);
}

/**
 * Reads the whole text of a response, as `text()` does. `text()` itself reads Node's streams without
 * {@link runFakedMicrotasks}, and does not return while fake timers hold back the end of the stream.
 *
 * @param {Response} response
 * @param {number} limit in bytes, after decompression
 * @returns {Promise<string | undefined>} `undefined` if it is longer
 */
export async function readText(response, limit) {
  const reader = readerOf(response.body);
  const text = reader ? await readUpTo(reader, undefined, limit) : await handled(response.text());
  return text === undefined || text.length > limit ? undefined : text.replace(/^\uFEFF/, "");
}
