// The module for runtimes that do not compile WebAssembly at run time (workerd, edge runtimes) but when it is imported.
// This file must not mention a function that compiles bytes, because builds for edge runtimes reject that.

import module from "#static";
import { TokenError } from "../token-error.js";
import { checked, isModule } from "./version-check.js";

/** @returns {Promise<WebAssembly.Module>} */
export const own = async () => module;

/**
 * @param {unknown} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function given(source) {
  if (isModule(source)) return checked(source);
  throw new TokenError(
    "invalid_options",
    "TokenManager.ready() takes a WebAssembly.Module in this runtime, which compiles no bytes; " +
      "it needs none, so call it without",
  );
}
