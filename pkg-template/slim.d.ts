/**
 * The package without its WebAssembly, for programs that load it themselves: call `TokenManager.ready()` once, with
 * `graphql-token-manager/core.wasm`, before using a manager. Everything else is as in `graphql-token-manager`.
 *
 * @packageDocumentation
 */

export * from "./index.js";
