import { testEndingUnderLoad } from "./interruptions.js";
import { testServer } from "./scenarios.js";
import server from "./oidc-provider/server.js";

testServer("oidc-provider", server);
testEndingUnderLoad("oidc-provider", server);
