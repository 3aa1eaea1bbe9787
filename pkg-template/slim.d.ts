/**
 * The package without its WebAssembly, for programs that load that themselves: call
 * `TokenManager.ready()` once, with `graphql-token-manager/core.wasm`, before managers are asked for
 * anything. Everything else is as in `graphql-token-manager`.
 *
 * @packageDocumentation
 */

export * from "./index.js";
