import { testEndingUnderLoad, testOutage } from "./interruptions.js";
import { post } from "./place.js";
import { testServer } from "./scenarios.js";
import server from "./django-graphql-jwt/server.js";

testServer("django-graphql-jwt", server);
testEndingUnderLoad("django-graphql-jwt", server);
testOutage("django-graphql-jwt", server, {
  stop: ({ url }) => post(`${url}/tests/lock`, {}),
  start: ({ url }) => post(`${url}/tests/unlock`, {}),
});
