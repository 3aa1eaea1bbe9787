// One use, measured in a process of its own: `node --expose-gc measure.js <use>`.

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

const { USES } = await import("./uses.js");
const use = USES.find(({ name }) => name === process.argv[2]);
if (use === undefined) throw new Error(`no use is called ${process.argv[2]}`);

const run = use.start();
await run(use.times);
const before = await settledMemory();
await run(use.times);
const middle = await settledMemory();
await run(use.times);
const after = await settledMemory();
console.log(JSON.stringify({ times: use.times, before, middle, after }));
process.exit();

async function settledMemory() {
  for (let turn = 0; turn < 10; turn++) {
    globalThis.gc?.();
    // Finalizers and what they cause.
    await pause(20);
  }
  const { heapUsed, rss } = process.memoryUsage();
  const wasm = memories.reduce((bytes, memory) => bytes + memory.buffer.byteLength, 0);
  return { heap: heapUsed, wasm, resident: rss };
}
