// The entry without a module: `TokenManager.ready()` must receive one.

import { TokenError } from "../token-error.js";

export { given } from "./user-supplied.js";

/** @returns {Promise<WebAssembly.Module>} */
export async function own() {
  throw new TokenError(
    "unsupported",
    "graphql-token-manager/slim has no WebAssembly of its own; " +
      "first call TokenManager.ready() with graphql-token-manager/core.wasm: compiled, its bytes or its address",
  );
}
