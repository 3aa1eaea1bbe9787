import { testEndingUnderLoad } from "./interruptions.js";
import { testServer } from "./scenarios.js";
import server from "./oidc-provider-refresh/server.js";

testServer("oidc-provider-refresh", server);
testEndingUnderLoad("oidc-provider-refresh", server);
