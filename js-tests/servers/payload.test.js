import payload from "./payload/server.js";
import { testServer } from "./scenarios.js";

testServer("payload", payload);
