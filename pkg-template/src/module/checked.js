// Whether a module that somebody else loaded is the one that this face speaks to.

import { TokenError } from "../token-error.js";

/**
 * Also one of another realm.
 *
 * @param {unknown} source
 */
export const isModule = (source) => Object.prototype.toString.call(source) === "[object WebAssembly.Module]";

/**
 * A core of another version may start, and then misunderstand what it is told: a file that was left in
 * some cache, say. The build notes the version in the module; see xtask/src/wasm.rs.
 *
 * @param {any} module
 * @returns {WebAssembly.Module}
 */
export function checked(module) {
  const [section] = WebAssembly.Module.customSections(module, "graphql-token-manager");
  const version = section && String.fromCharCode(...new Uint8Array(section));
  if (version === __VERSION__) return module;
  throw new TokenError(
    "invalid_options",
    `what TokenManager.ready() was given is ${version ? `the core of version ${version}` : "another module"}; ` +
      `give it the core.wasm of graphql-token-manager ${__VERSION__}`,
  );
}
