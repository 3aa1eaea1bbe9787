// Pages of Chromium that obtain their tokens from a broker.

import { after, describe } from "node:test";
import { chromiumFor } from "../stores/browsers.js";
import { testPages } from "./pages.js";

const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Chromium", () => testPages(chromiumFor(file)));
