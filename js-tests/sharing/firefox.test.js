// Pages of Firefox that share a token, or cannot, in ordinary and in private windows.

import { after, describe } from "node:test";
import { firefoxFor } from "../stores/browsers.js";
import { testPages } from "./pages.js";

/** Of the whole file. */
const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Firefox", () => testPages(firefoxFor(file)));

describe("Firefox in private windows", () => testPages(firefoxFor(file, "private")));
