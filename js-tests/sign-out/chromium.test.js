// Pages of Chromium from which one user signs out and another signs in.

import { after, describe } from "node:test";
import { chromiumFor } from "../stores/browsers.js";
import { testSignOut } from "./pages.js";

const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Chromium", () => testSignOut(chromiumFor(file)));
