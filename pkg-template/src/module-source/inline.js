// The module as text inside the JavaScript, which works everywhere and needs no configuration of a bundler.

import base64 from "#wasm";

export { given } from "./user-supplied.js";

/** @returns {Promise<WebAssembly.Module>} */
export const own = async () => WebAssembly.compile(await inflated(decode(base64)));

/**
 * Decompresses DEFLATE (RFC 1951). The module is compressed before it is encoded as text, so that a web server with
 * compression sends about as many bytes as for the compressed module itself. Without that, it sends a quarter more.
 *
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function inflated(bytes) {
  // For Node, Deno and Bun, where a stream is slow to start, and for jsdom, which has no DecompressionStream.
  const zlib = nodeZlib();
  if (zlib !== undefined) return zlib.inflateRawSync(bytes);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function nodeZlib() {
  try {
    return globalThis.process?.getBuiltinModule?.("node:zlib");
  } catch {
    return undefined;
  }
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
function decode(text) {
  try {
    return decodedByEngine(text);
  } catch {
    return decodedByLetters(text);
  }
}

/** @param {string} text */
function decodedByEngine(text) {
  const modern = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (
    /** @type {unknown} */ (Uint8Array)
  );
  if (typeof modern.fromBase64 === "function") return modern.fromBase64(text);
  return Buffer.from(text, "base64");
}

/** @param {string} text */
function decodedByLetters(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = characters.charCodeAt(place);
  return bytes;
}
