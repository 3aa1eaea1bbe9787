/**
 * The WebAssembly, in the form in which the runtime or bundler imports such a file: a compiled module, or its URL.
 * `TokenManager.ready()` accepts either.
 */
declare const source: (WebAssembly.Module & object) | string;
export default source;
