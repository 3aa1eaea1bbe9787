import strapi from "./strapi/server.js";
import { testServer } from "./scenarios.js";

testServer("strapi", strapi);
