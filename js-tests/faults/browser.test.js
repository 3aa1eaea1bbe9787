// Pages: events that wake a manager with suspended timers, and headers that pages may read.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { sandboxFor } from "../support/setup.js";
import { APIS, asked } from "./providers.js";
import { pageFor } from "./page.js";

/**
 * A prelude in which timers of two seconds and more never fire, as in a suspended page, and the clock is adjustable.
 */
const ASLEEP = `
  const set = window.setTimeout;
  window.setTimeout = (callback, delay, ...rest) => (delay < 2000 ? set(callback, delay, ...rest) : 0);
  const now = Date.now;
  let ahead = 0;
  Date.now = () => now() + ahead;
  window.sleep = (ms) => (ahead += ms);
`;

const HOUR = 3_600_000;
/** Without acme, because its secret is a function and cannot be serialized for a page. */
const IN_PAGES = /** @type {const} */ (["fluz", "toggle", "braintree"]);

describe("in a page", { concurrency: true }, () => {
  test("each provider works, and the secret is warned about once", async (t) => {
    const sandbox = await sandboxFor(t);
    for (const name of IN_PAGES) {
      const page = await pageFor(t);

      const got = await page
        .evaluate(
          async (options) => {
            const tokens = /** @type {any} */ (window).make(options);
            const all = await Promise.all([tokens.getToken(), tokens.getToken(), tokens.getAccessToken()]);
            const next = await tokens.refresh();
            const { status } = await fetch(options.endpoint, {
              method: "POST",
              headers: {
                authorization: await tokens.authorization(),
                "content-type": "application/json",
                "braintree-version": "2019-01-01",
              },
              body: JSON.stringify({ query: options.query }),
            });
            return {
              same: all[0] === all[1],
              other: next.value !== all[0],
              status,
              left: next.expiresAt - Date.now(),
            };
          },
          /** @type {any} */ ({ ...APIS[name].options(sandbox) }),
        )
        .catch((error) => error);
      const events = await page.evaluate("events");

      assert.deepEqual([got.same, got.other], [true, true], `${name} ${got}`);
      assert.deepEqual(events, ["secret_in_page", "initial", "forced"]);
      assert.equal(
        asked(sandbox, name).filter((operation) => operation === APIS[name].grant).length,
        APIS[name].refresh ? 1 : 2,
      );
    }
  });

  for (const [event, target] of [
    ["visibilitychange", "document"],
    ["pageshow", "window"],
    ["online", "window"],
  ]) {
    test(`${event} triggers a refresh if the timer never fired, and reports expiry`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: { toggle: HOUR, fluz: HOUR } });
      const page = await pageFor(t, ASLEEP);
      await page.evaluate(
        async (options) => {
          const tokens = /** @type {any} */ (window).make(options);
          await tokens.getToken();
        },
        /** @type {any} */ (APIS.fluz.options(sandbox, { lifetimeMs: HOUR })),
      );

      await page.evaluate(`sleep(57 * 60_000)`);
      const quiet = await page.evaluate("events.length");
      await page.evaluate(`${target}.dispatchEvent(new Event("${event}"))`);
      await page.waitForFunction("events.includes('proactive')");
      await page.evaluate(`sleep(2 * 3_600_000)`);
      await page.evaluate(`${target}.dispatchEvent(new Event("${event}"))`);
      await page.waitForFunction("events.length === 5");
      await page.evaluate("tokens.close()");
      await page.evaluate(`sleep(2 * 3_600_000), ${target}.dispatchEvent(new Event("${event}"))`);

      assert.equal(quiet, 2);
      const events = await page.evaluate("events");
      assert.deepEqual(events, ["secret_in_page", "initial", "proactive", "expired", "expired", "close"]);
      assert.equal(sandbox.requests().length, 3);
    });
  }

  test("going offline keeps the cached token, and going online ends the cool-down", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { toggle: HOUR } });
    const page = await pageFor(t, ASLEEP);
    const context = page.context();
    const first = await page.evaluate(
      (options) => /** @type {any} */ (window).make(options).getToken(),
      /** @type {any} */ (APIS.toggle.options(sandbox, { lifetimeMs: HOUR })),
    );

    await context.setOffline(true);
    const failed = await page.evaluate("tokens.refresh().catch(({ code }) => code)");
    const held = await page.evaluate("tokens.getToken()");
    await page.evaluate("sleep(56 * 60_000)");
    await context.setOffline(false);
    await page.waitForFunction("events.includes('proactive')");

    assert.equal(failed, "network");
    assert.equal(held, first);
    assert.notEqual(await page.evaluate("tokens.getToken()"), first);
  });

  test("unexposed headers are a protocol error at Toggle that names them; other APIs return tokens", async (t) => {
    const sandbox = await sandboxFor(t, { exposeHeaders: false });
    /** @type {Record<string, any>} */
    const got = {};
    for (const name of IN_PAGES) {
      const page = await pageFor(t);
      got[name] = await page.evaluate(async (options) => {
        const tokens = /** @type {any} */ (window).make(options);
        return tokens.getAccessToken().then(
          (/** @type {any} */ token) => Math.abs(token.expiresAt - token.issuedAt),
          (/** @type {any} */ { code, message }) => ({ code, message }),
        );
      }, /** @type {any} */ (APIS[name].options(sandbox)));
    }

    assert.equal(got.toggle.code, "protocol");
    assert.ok(got.toggle.message.includes("x-authorization"));
    assert.ok(Math.abs(got.fluz - 600_000) < 2_500, "the JWT contains it");
    assert.ok(Math.abs(got.braintree - HOUR) < 2_500);
  });

  test("a request that CORS forbids is a network error that mentions CORS", async (t) => {
    const sandbox = await sandboxFor(t);
    const page = await pageFor(t);
    const endpoint = page.url();

    const error = await page.evaluate(
      async (options) => {
        const other = options.endpoint.replace("127.0.0.1", "localhost");
        const tokens = /** @type {any} */ (window).make({ ...options, endpoint: other });
        return tokens.getToken().catch((/** @type {any} */ { code, message }) => ({ code, message }));
      },
      /** @type {any} */ (APIS.fluz.options(sandbox, { endpoint })),
    );

    assert.equal(error.code, "network");
  });
});
