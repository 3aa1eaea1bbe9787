// Processes that share a store: a lease holder that is killed on a file store, and the ordinary course on Redis.

import { testKills, testLifetimes } from "./processes.js";

testKills("file");
testLifetimes("redis");
