// Checks that a module which was loaded elsewhere belongs to this version of the package.

import { TokenError } from "../token-error.js";

/**
 * Returns whether a value is a WebAssembly.Module of any realm.
 *
 * @param {unknown} source
 */
export const isModule = (source) => Object.prototype.toString.call(source) === "[object WebAssembly.Module]";

/**
 * Returns a module of this version, and throws for any other. A core of another version, for example from a stale
 * cache, could start and then misinterpret calls. The build writes the version into the module; see xtask/src/wasm.rs.
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
