// Tabs of Chromium that share a token with a lifetime of two seconds.

import { after, describe } from "node:test";
import { chromiumFor } from "../stores/browsers.js";
import { testTabsInTime } from "./pages.js";

const starting = chromiumFor({ after: /** @type {import("node:test").TestContext["after"]} */ (after) });

describe("Chromium", () => testTabsInTime(starting, "indexedDb"));
