// Tabs of Firefox that share a token with a lifetime of two seconds.

import { after, describe } from "node:test";
import { firefoxFor } from "../stores/browsers.js";
import { testTabsInTime } from "./pages.js";

const starting = firefoxFor({ after: /** @type {import("node:test").TestContext["after"]} */ (after) });

describe("Firefox", () => testTabsInTime(starting, "encrypted"));
