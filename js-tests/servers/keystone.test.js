import keystone from "./keystone/server.js";
import { testServer } from "./scenarios.js";

testServer("keystone", keystone);
