import vendure from "./vendure/server.js";
import { testServer } from "./scenarios.js";

testServer("vendure", vendure);
