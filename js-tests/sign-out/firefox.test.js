// Pages of Firefox from which one user signs out and another signs in.

import { after, describe } from "node:test";
import { firefoxFor } from "../stores/browsers.js";
import { testSignOut } from "./pages.js";

const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Firefox", () => testSignOut(firefoxFor(file)));
