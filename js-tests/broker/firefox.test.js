// Pages of Firefox that obtain their tokens from a broker.

import { after, describe } from "node:test";
import { firefoxFor } from "../stores/browsers.js";
import { testPages } from "./pages.js";

const file = { after: /** @type {import("node:test").TestContext["after"]} */ (after) };

describe("Firefox", () => testPages(firefoxFor(file)));
