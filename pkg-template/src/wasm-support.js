// Errors for engines in which WebAssembly is forbidden or missing.

import { TokenError } from "./token-error.js";

/**
 * Returns whether an error means that a policy forbids the compilation of WebAssembly, rather than that it failed.
 *
 * Chromium and Node name the policy in a CompileError, WebKit and older engines throw an EvalError, and the message of
 * workerd is "disallowed by embedder".
 *
 * @param {unknown} error
 */
export function isRefusal(error) {
  const { name, message } = /** @type {Partial<Error>} */ (error ?? {});
  if (name === "EvalError") return true;
  return (
    name === "CompileError" &&
    /Content.Security.Policy|\bCSP\b|unsafe-eval|disallowed by embedder/i.test(`${message}`)
  );
}

export function forbidden() {
  return new TokenError(
    "wasm_blocked",
    "the Content-Security-Policy forbids WebAssembly, which graphql-token-manager runs on; " +
      "add 'wasm-unsafe-eval' to its directive `script-src`",
  );
}

export function withoutWebAssembly() {
  return new TokenError(
    "wasm_blocked",
    "this engine has no WebAssembly, which graphql-token-manager runs on; " +
      "it may be switched off, as in the Lockdown Mode of Safari",
  );
}
