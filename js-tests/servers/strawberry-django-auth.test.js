import { testEndingUnderLoad, testOutage } from "./interruptions.js";
import { post } from "./place.js";
import { testServer } from "./scenarios.js";
import server from "./strawberry-django-auth/server.js";

testServer("strawberry-django-auth", server);
testEndingUnderLoad("strawberry-django-auth", server);
testOutage("strawberry-django-auth", server, {
  stop: ({ url }) => post(`${url}/tests/lock`, {}),
  start: ({ url }) => post(`${url}/tests/unlock`, {}),
});
