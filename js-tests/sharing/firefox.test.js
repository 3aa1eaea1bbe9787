// Pages of Firefox that share a token, or are unable to, in ordinary and private windows.

import { after, describe } from "node:test";
import { firefoxFor } from "../stores/browsers.js";
import { testPages, testSecondTab } from "./pages.js";

/** Registers cleanup after all tests of the file. */
const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Firefox", () => testPages(firefoxFor(file)));

// Without the tests of storage that fails, because the stores do not distinguish private windows there.
describe("Firefox in private windows", () => testSecondTab(firefoxFor(file, "private")));
