// The built site in Chromium, at the width of a phone and of a desk: no page is wider than the screen, axe has no
// findings, and the playground runs, by keyboard, in simulated time.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { SITE } from "../pages.js";
import { serve } from "../serve.js";

/** @import { Browser, Page } from "playwright-core" */

/** Far more than any step takes on any machine. */
const TIMEOUT_MS = 120_000;
/** Simulated time of one step. */
const STEP_MS = 50;

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let site;
const axe = await readFile(path.join(import.meta.dirname, "../node_modules/axe-core/axe.min.js"), "utf8");

before(async () => {
  site = await serve(SITE);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});

after(async () => {
  await browser?.close();
  site?.close();
});

/**
 * Opens a page. `problems` has its errors, and its requests to other origins.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} name
 * @param {{ width: number, colorScheme?: "light" | "dark", reducedMotion?: "reduce", hasClock?: boolean }} options
 */
async function open(t, name, { width, colorScheme = "light", reducedMotion, hasClock = false }) {
  const motion = reducedMotion === undefined ? {} : { reducedMotion };
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, ...motion });
  t.after(() => context.close());
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(site.url) && !request.url().startsWith("data:"))
      problems.push(request.url());
  });
  await page.goto(`${site.url}/${name}`);
  await page.waitForLoadState("networkidle");
  // From here on, so that loading takes real time.
  if (hasClock) await page.clock.install();
  return { page, problems };
}

/** Returns the findings of axe, each with the element. @param {Page} page @returns {Promise<string[]>} */
async function findings(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run();
    return violations.flatMap((/** @type {any} */ { id, nodes }) =>
      nodes.map((/** @type {any} */ node) => `${id}: ${node.html.slice(0, 200)}`),
    );
  });
}

/** Returns by how many pixels a page is wider than the screen. @param {Page} page */
const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Lets simulated time pass, and what happens in it. @param {Page} page */
async function step(page) {
  await page.clock.runFor(STEP_MS);
  // Streams and the WebAssembly module need turns of the event loop that no timer starts.
  await page.evaluate(async () => {
    for (let turn = 0; turn < 5; turn++) {
      const { port1, port2 } = new MessageChannel();
      await new Promise((resolve) => {
        port1.onmessage = resolve;
        port2.postMessage("");
      });
      port1.close();
    }
  });
}

/** Starts a preset by keyboard, and waits until it is loaded. @param {Page} page @param {string} name */
async function start(page, name) {
  await page.getByRole("button", { name, exact: true }).press("Enter");
  await page.locator(".faults button:enabled").first().waitFor();
}

/** Returns the numbers of the table, of the manager and of the cache. @param {Page} page */
async function numbers(page) {
  const rows = await page.locator("[data-row]").evaluateAll((elements) =>
    elements.map((row) => ({
      name: row.getAttribute("data-row") ?? "",
      values: [...row.querySelectorAll("td")].map((cell) =>
        Number(`${cell.textContent}`.replaceAll(/[, s]/g, "")),
      ),
    })),
  );
  /** @param {number} column @returns {Record<string, number>} */
  const of = (column) => Object.fromEntries(rows.map(({ name, values }) => [name, values[column] ?? NaN]));
  return { manager: of(0), cache: of(1) };
}

/** @param {Record<string, number>} column */
const sum = ({ served = NaN, waited = NaN, replayed = NaN, failed = NaN, open = NaN }) =>
  served + waited + replayed + failed + open;

const PAGES = ["index.html", "options.html", "recipes.html", "reference/index.html", "playground.html"];

for (const width of [390, 1440]) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`${width} px, ${colorScheme}: pages fit, and axe has no findings`, async (t) => {
      for (const name of PAGES) {
        const { page, problems } = await open(t, name, { width, colorScheme });

        assert.ok((await overflow(page)) <= 0, name);
        assert.deepEqual(await findings(page), [], name);
        assert.deepEqual(problems, [], name);
        await page.close();
      }
    });
  }

  test(`${width} px: a preset runs by keyboard, its numbers add up, and nothing leaves the page`, async (t) => {
    const { page, problems } = await open(t, "playground.html", { width, hasClock: true });
    await start(page, "Revoked in mid-flight");

    const end = page.getByRole("button", { name: "Run again" });
    while (!(await end.isVisible())) {
      await step(page);
      const { manager, cache } = await numbers(page);
      if (manager.calls === undefined) continue;
      assert.equal(sum(manager), manager.calls);
      assert.equal(sum(cache), cache.calls);
    }

    const { manager, cache } = await numbers(page);
    assert.equal(manager.calls, cache.calls);
    assert.deepEqual([manager.failed, manager.open, cache.open], [0, 0, 0]);
    assert.ok((cache.failed ?? 0) > 0);
    assert.match(`${await page.getByRole("status").textContent()}`, new RegExp(`^${manager.calls} calls`));
    assert.ok((await overflow(page)) <= 0);
    assert.deepEqual(await findings(page), []);
    // Tokens of Fluz are JSON Web Tokens, which start like this.
    const drawn = await page
      .locator("token-timeline")
      .evaluateAll((elements) => elements.map((it) => it.shadowRoot?.innerHTML));
    assert.match(drawn.join(), /class="token"/);
    assert.ok(!`${await page.content()} ${drawn.join()}`.includes("eyJ"));
    assert.deepEqual(problems, []);
  });
}

test("a fault is caused by keyboard, and settings that are out of range are corrected", async (t) => {
  const { page } = await open(t, "playground.html", { width: 1440, hasClock: true });
  await page.locator("summary", { hasText: "Settings" }).press("Enter");
  await page.getByLabel("Lifetime of a token (ms)").fill("7");
  await page.getByLabel("Length of the run (ms)").fill("3000");
  await page.getByRole("button", { name: "Run with these settings" }).press("Enter");
  await page.locator(".faults button:enabled").first().waitFor();
  const lifetime = await page.getByLabel("Lifetime of a token (ms)").inputValue();
  for (let count = 0; count < 10; count++) await step(page);

  await page.getByRole("button", { name: "Revoke all tokens" }).press("Enter");
  for (let count = 0; count < 20; count++) await step(page);

  assert.equal(lifetime, "1000");
  assert.ok(((await numbers(page)).manager.refused ?? 0) > 0);
});

test("for users who prefer reduced motion, the timeline changes once a second", async (t) => {
  const { page } = await open(t, "playground.html", { width: 390, reducedMotion: "reduce", hasClock: true });
  await start(page, "Renewed before it expires");

  const drawn = new Set();
  for (let count = 0; count < 3_000 / STEP_MS; count++) {
    await step(page);
    drawn.add(
      await page
        .locator("token-timeline")
        .first()
        .evaluate((it) => it.shadowRoot?.innerHTML),
    );
  }

  assert.ok(drawn.size >= 2 && drawn.size <= 5, `${drawn.size} drawings in 3 s`);
});
