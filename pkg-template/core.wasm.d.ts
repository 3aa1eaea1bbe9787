/**
 * The WebAssembly, as whatever your runtime or bundler makes of an import of such a file: a compiled
 * module, or its address. `TokenManager.ready()` takes either.
 */
declare const source: (WebAssembly.Module & object) | string;
export default source;
