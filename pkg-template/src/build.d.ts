// Values that the build defines: see xtask/src/wasm.rs and xtask/scripts/bundle.js.

/** The version in Cargo.toml. */
declare const __VERSION__: string;

/** The SHA-256 of core.wasm, in hexadecimal digits. */
declare const __CORE_SHA256__: string;

/** How an entry has the module: one of the files in `module-source`. */
declare module "#module" {
  /** What the entry has by itself, compiled. */
  export function own(): Promise<WebAssembly.Module>;
  /** What a program gives instead, whatever that is: compiled, and known to be of this version. */
  export function given(source: unknown): Promise<WebAssembly.Module>;
}

/** How an entry loads the code that is needed once the core runs: one of the files in `load-core-chunk`. */
declare module "#load-core-chunk" {
  export function loadCoreChunk():
    typeof import("./core-chunk.js") | Promise<typeof import("./core-chunk.js")>;
}

/** `core.wasm` beside the entry, as runtimes that compile it beforehand import it. */
declare module "#static" {
  const module: WebAssembly.Module;
  export default module;
}

/** The optimised module, compressed, as base64. */
declare module "#wasm" {
  const base64: string;
  export default base64;
}
