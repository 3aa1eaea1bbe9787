import { testEndingUnderLoad, testOutage } from "./interruptions.js";
import { post } from "./place.js";
import { testServer } from "./scenarios.js";
import server from "./postgraphile/server.js";

testServer("postgraphile", server);
testEndingUnderLoad("postgraphile", server);
testOutage("postgraphile", server, {
  stop: ({ url }) => post(`${url}/tests/stop`, {}),
  start: ({ url }) => post(`${url}/tests/start`, {}),
});
