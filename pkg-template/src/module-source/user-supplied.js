// A user-supplied module: compiled, as bytes, or as the address of the bytes.

import { isRefusal } from "../wasm-support.js";
import { TokenError } from "../token-error.js";
import { checked, isModule } from "./version-check.js";

/**
 * Compiles and checks the module that was passed to `TokenManager.ready()`.
 *
 * @param {unknown} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function given(source) {
  if (isModule(source)) return checked(source);
  const found = typeof source === "string" || source instanceof URL ? await answer(source) : source;
  const bytes = isResponse(found) ? await body(found) : found;
  try {
    // Throws if `bytes` is not a buffer. Both start before anything is awaited, because the bytes may change later.
    const [module, digest] = await Promise.all([
      WebAssembly.compile(/** @type {BufferSource} */ (bytes)),
      sha256(/** @type {BufferSource} */ (bytes)),
    ]);
    checked(module);
    if (digest !== undefined && digest !== __CORE_SHA256__) throw invalidSource(`has the SHA-256 ${digest}`);
    return module;
  } catch (error) {
    if (TokenError.is(error) || isRefusal(error)) throw error;
    throw invalidSource("is not WebAssembly");
  }
}

/** @param {string | URL} address */
async function answer(address) {
  try {
    return await fetch(address);
  } catch {
    throw new TokenError(
      "network",
      "what is at the address given to TokenManager.ready() could not be loaded; of a file, give the bytes",
    );
  }
}

/**
 * @param {unknown} found
 * @returns {found is Response}
 */
const isResponse = (found) => typeof (/** @type {any} */ (found)?.arrayBuffer) === "function";

/** @param {Response} response */
async function body(response) {
  const { ok, status } = response;
  if (status >= 500)
    throw new TokenError("server", `TokenManager.ready() found HTTP status ${status}`, { status });
  if (!ok) throw invalidSource(`has the HTTP status ${status}`);
  try {
    return await response.arrayBuffer();
  } catch {
    throw new TokenError("network", "the answer given to TokenManager.ready() broke off");
  }
}

/**
 * Returns the SHA-256 in hexadecimal digits; `undefined` where Web Crypto is unavailable, as on a page without TLS.
 *
 * @param {BufferSource} bytes
 */
async function sha256(bytes) {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return undefined;
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} why */
function invalidSource(why) {
  return new TokenError(
    "invalid_options",
    `what TokenManager.ready() was given ${why}; ` +
      `give it the core.wasm of graphql-token-manager ${__VERSION__}, whose SHA-256 is ${__CORE_SHA256__}: ` +
      "compiled, its bytes, a Response, or its address",
  );
}
