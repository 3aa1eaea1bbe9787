// Measures one use in a separate process: `node --expose-gc measure.js <use>`.

import { settledMemory } from "../settled-memory.js";
import { USES } from "./uses.js";

const use = USES.find(({ name }) => name === process.argv[2]);
if (use === undefined) throw new Error(`no use is called ${process.argv[2]}`);

const run = use.start();
/** Number of measured repetitions. */
const REPETITIONS = 6;

// Two warm-up runs are required, because the engine's bookkeeping grows as it compiles.
await run(use.times);
await run(use.times);
const states = [await settledMemory()];
for (let repetition = 0; repetition < REPETITIONS; repetition++) {
  await run(use.times);
  states.push(await settledMemory());
}
console.log(JSON.stringify(states));
process.exit();
