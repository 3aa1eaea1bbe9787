/**
 * Memory of the process after garbage collection. Import this module before the package, because it finds the memory of
 * WebAssembly at instantiation; start the process with `--expose-gc`.
 *
 * @module
 */

import { setTimeout as pause } from "node:timers/promises";

/** @type {WebAssembly.Memory[]} */
const memories = [];
const { instantiate } = WebAssembly;
WebAssembly.instantiate = /** @type {any} */ (
  async (/** @type {any} */ module, /** @type {any} */ imports) => {
    const instance = /** @type {any} */ (await instantiate(module, imports));
    // Found by type, because the name of the export is not stable.
    memories.push(
      /** @type {any} */ (Object.values(instance.exports)).find(
        (/** @type {unknown} */ it) => it instanceof WebAssembly.Memory,
      ),
    );
    return instance;
  }
);

/** Returns the bytes of the JavaScript heap, of WebAssembly and of the process. */
export async function settledMemory() {
  for (let turn = 0; turn < 10; turn++) {
    globalThis.gc?.();
    // Lets finalizers and their effects run.
    await pause(20);
  }
  const { heapUsed, rss } = process.memoryUsage();
  const wasm = memories.reduce((bytes, memory) => bytes + memory.buffer.byteLength, 0);
  return { heap: heapUsed, wasm, resident: rss };
}
