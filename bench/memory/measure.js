// One use, measured in a process of its own: `node --expose-gc measure.js <use>`.

import { settledMemory } from "../settled-memory.js";
import { USES } from "./uses.js";

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
