// The module for everywhere: as text in this very file, which no bundler has to know of.

import base64 from "#wasm";

export { given } from "./given.js";

/** @returns {Promise<WebAssembly.Module>} */
export const own = async () => WebAssembly.compile(decode(base64));

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
function decode(text) {
  const modern = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (
    /** @type {unknown} */ (Uint8Array)
  );
  if (typeof modern.fromBase64 === "function") return modern.fromBase64(text);
  if (typeof atob === "function") return Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
  return Uint8Array.from(Buffer.from(text, "base64"));
}
