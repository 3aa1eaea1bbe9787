import directus from "./directus/server.js";
import { testServer } from "./scenarios.js";

testServer("directus", directus);
