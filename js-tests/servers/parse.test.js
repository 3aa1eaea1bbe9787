import parse from "./parse/server.js";
import { testServer } from "./scenarios.js";

testServer("parse", parse);
