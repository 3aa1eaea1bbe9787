import { testEndingUnderLoad } from "./interruptions.js";
import { testServer } from "./scenarios.js";
import server from "./django-graphql-jwt-refresh/server.js";

testServer("django-graphql-jwt-refresh", server);
testEndingUnderLoad("django-graphql-jwt-refresh", server);
