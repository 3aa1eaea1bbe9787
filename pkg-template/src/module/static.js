// The module for runtimes that compile none at run time (workerd, the edge): they do it before, where
// a file imports it. Nothing here may name what would compile bytes: builds for the edge refuse that.

import module from "#static";
import { TokenError } from "../token-error.js";
import { checked, isModule } from "./checked.js";

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
