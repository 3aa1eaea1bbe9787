/**
 * What a process has in memory once collections have had their time. To be imported before the package, whose
 * WebAssembly it finds as that is started; the process is started with `--expose-gc`.
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
    // By its kind: names in the module are short.
    memories.push(
      /** @type {any} */ (Object.values(instance.exports)).find(
        (/** @type {unknown} */ it) => it instanceof WebAssembly.Memory,
      ),
    );
    return instance;
  }
);

/** Bytes of the JavaScript heap, of WebAssembly, and of the process. */
export async function settledMemory() {
  for (let turn = 0; turn < 10; turn++) {
    globalThis.gc?.();
    // Finalizers and what they cause.
    await pause(20);
  }
  const { heapUsed, rss } = process.memoryUsage();
  const wasm = memories.reduce((bytes, memory) => bytes + memory.buffer.byteLength, 0);
  return { heap: heapUsed, wasm, resident: rss };
}
