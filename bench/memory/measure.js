// One use, measured in a process of its own: `node --expose-gc measure.js <use>`.

import { settledMemory } from "../settled-memory.js";
import { USES } from "./uses.js";

const use = USES.find(({ name }) => name === process.argv[2]);
if (use === undefined) throw new Error(`no use is called ${process.argv[2]}`);

const run = use.start();
/** How often it is repeated. */
const REPETITIONS = 6;

// Warm only after the second: the engine's own books grow with what it compiles.
await run(use.times);
await run(use.times);
const states = [await settledMemory()];
for (let repetition = 0; repetition < REPETITIONS; repetition++) {
  await run(use.times);
  states.push(await settledMemory());
}
console.log(JSON.stringify(states));
process.exit();
