// Single-use refresh tokens, and late tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, managerFor, recordingFetch, sandboxFor, toggle } from "../support/setup.js";
import { record } from "../support/waiting.js";
import { APIS, RETRY, accepts, asked } from "./providers.js";

const ROTATING = /** @type {const} */ (["fluz", "acme"]);

/**
 * Returns the refresh tokens in a recorded request.
 * @param {ReturnType<typeof recordingFetch>} fetch
 * @returns {string[]}
 */
const presented = (fetch) =>
  fetch.requests.flatMap(({ body: { variables } }) => variables?.refreshToken ?? variables?.refresh ?? []);

describe("a rotating refresh token", () => {
  for (const name of ROTATING) {
    test(`${name}: fifty refreshes in a row present fifty refresh tokens, and no credentials`, async (t) => {
      const sandbox = await sandboxFor(t);
      const fetch = recordingFetch();
      const tokens = managerFor(t, APIS[name].options(sandbox, { fetch }));
      await tokens.getToken();

      for (let turn = 0; turn < 50; turn++) await tokens.refresh();

      assert.equal(new Set(presented(fetch)).size, 50);
      assert.deepEqual(sandbox.counts()[name], { grants: 1, refreshes: 50, calls: 0, refused: 0, reused: 0 });
    });

    test(`${name}: a lost response costs a grant by credentials, never a second presentation`, async (t) => {
      const sandbox = await sandboxFor(t);
      const fetch = recordingFetch();
      const tokens = managerFor(t, APIS[name].options(sandbox, { fetch, retry: RETRY }));
      const { refresh: operation } = APIS[name];
      await tokens.getToken();

      for (let turn = 0; turn < 9; turn++) {
        const isLost = turn % 3 === 1;
        if (isLost) sandbox.fault({ kind: "drop", when: "after", provider: name, operation, times: 1 });
        const { value } = await tokens.refresh();
        assert.ok(await accepts(sandbox, name, value), `turn ${turn}`);
      }

      const all = presented(fetch);
      assert.equal(new Set(all).size, all.length, "each once");
      assert.equal(sandbox.counts()[name].grants, 4);
      // A second presentation would be rejected, and would revoke all tokens of its grant.
      assert.equal(sandbox.counts()[name].refused, 0);
    });

    test(`${name}: one that the provider has forgotten is given up for the credentials, at once`, async (t) => {
      const sandbox = await sandboxFor(t);
      const tokens = managerFor(t, APIS[name].options(sandbox));
      await tokens.getToken();
      sandbox.revoke();
      const events = record(tokens);

      const { value } = await tokens.refresh();

      assert.ok(await accepts(sandbox, name, value));
      const { grant, refresh } = APIS[name];
      assert.deepEqual(asked(sandbox, name).slice(0, 3), [grant, refresh, grant]);
      assert.deepEqual(
        events.map(({ type }) => type),
        ["token"],
      );
    });
  }

  test("a refresh token that stays the same is kept", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { fluz: { rotation: false } } });
    const tokens = managerFor(t, APIS.fluz.options(sandbox));
    await tokens.getToken();

    for (let turn = 0; turn < 5; turn++) await tokens.refresh();

    assert.deepEqual(sandbox.counts().fluz, { grants: 1, refreshes: 5, calls: 0, refused: 0, reused: 0 });
  });

  test("listeners of the new token find the new refresh token in place", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, APIS.fluz.options(sandbox));
    await tokens.getToken();
    /** @type {Promise<unknown>[]} */
    const inside = [];
    const end = tokens.on("token", () => {
      end();
      inside.push(tokens.refresh());
    });

    await tokens.refresh();
    await Promise.all(inside);

    assert.deepEqual(sandbox.counts().fluz, { grants: 1, refreshes: 2, calls: 0, refused: 0, reused: 0 });
  });
});

describe("an older token never replaces a newer one", () => {
  test("where answers to earlier calls come after a refresh", async (t) => {
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const sandbox = await sandboxFor(t, { now, variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const first = await tokens.getToken();
    const late = await Promise.all(
      Array.from({ length: 5 }, () => call(sandbox.toggle.endpoint, first, APIS.toggle.query)),
    );
    ahead += 3_000;
    const { value } = await tokens.refresh();

    const adopted = late.map((response) => tokens.adopt(response));

    assert.deepEqual(new Set(adopted), new Set([false]));
    assert.equal(await tokens.getToken(), value);
  });
});
