// Single-use refresh tokens, and late tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, claims, managerFor, recordingFetch, sandboxFor, toggle } from "../support/setup.js";
import { next, record } from "../support/waiting.js";
import { APIS, RETRY, accepts, asked } from "./providers.js";

/** @import { FaultSpec, ProviderName } from "graphql-token-manager/testing" */

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

    for (const [title, fault] of /** @type {[string, FaultSpec][]} */ ([
      ["a lost answer", { kind: "drop", when: "after" }],
      ["half an answer", { kind: "truncate" }],
      ["a spoilt answer", { kind: "invalid-json" }],
      ["an outage", { kind: "status", status: 503 }],
    ])) {
      test(`${name}: ${title} in every third refresh costs a grant by credentials, never a second presentation`, async (t) => {
        const sandbox = await sandboxFor(t);
        const fetch = recordingFetch();
        const tokens = managerFor(t, APIS[name].options(sandbox, { fetch, retry: RETRY }));
        await tokens.getToken();

        let lost = 0;
        for (let turn = 0; turn < 30; turn++) {
          if (turn % 3 === 1) {
            sandbox.fault({ ...fault, provider: name, operation: APIS[name].refresh, times: 1 });
            lost++;
          }
          const { value } = await tokens.refresh();
          assert.ok(await accepts(sandbox, name, value), `turn ${turn}`);
        }

        const all = presented(fetch);
        assert.equal(new Set(all).size, all.length, "each once");
        assert.equal(sandbox.counts()[name].grants, 1 + lost);
        // A second presentation would be rejected, and would revoke all tokens of its grant.
        assert.equal(sandbox.counts()[name].refused, 0);
      });
    }

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

  test("one that the answer leaves out is kept, and one that it brings replaces it", async (t) => {
    /** @type {(string | undefined)[]} */
    const given = [];
    const brought = ["first", undefined, undefined, "second", undefined];
    const tokens = managerFor(t, {
      provider: {
        name: "mine",
        endpoint: "https://mine.test/graphql",
        grant: (/** @type {{ refreshToken?: string }} */ { refreshToken }) => {
          given.push(refreshToken);
          const accessToken = `token-${given.length}`;
          return { accessToken, expiresInMs: 60_000, refreshToken: brought[given.length - 1] };
        },
      },
    });

    await tokens.getToken();
    for (let turn = 0; turn < 5; turn++) await tokens.refresh();

    assert.deepEqual(given, [undefined, "first", "first", "first", "second", "second"]);
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

  test("where a late answer comes while the grant that replaces a refused token is on its way", async (t) => {
    let ahead = 0;
    const now = () => Date.now() + ahead;
    const sandbox = await sandboxFor(t, { now, variants: { toggle: { sliding: "every" } } });
    const tokens = managerFor(t, toggle(sandbox));
    const first = await tokens.getToken();
    const late = await call(sandbox.toggle.endpoint, first, APIS.toggle.query);
    ahead += 3_000;
    const second = await tokens.refresh();
    tokens.invalidate(second.value);

    const waiting = tokens.getToken();
    const adopted = tokens.adopt(late);
    const third = await waiting;

    assert.equal(adopted, false, "it is older than the one that was refused");
    assert.ok(![first, second.value].includes(third));
    assert.ok(Number(claims(third).iat) >= Number(claims(second.value).iat));
  });

  test("and a token that was refused does not come back by a sliding header", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, toggle(sandbox));
    const refused = await tokens.getToken();
    tokens.invalidate(refused);

    const adopted = tokens.adopt(Response.json({ data: {} }, { headers: { "x-authorization": refused } }));
    const token = await tokens.getToken();

    assert.equal(adopted, false);
    assert.notEqual(token, refused);
  });

  test("while a provider that hands out the refused token again is asked five times at once, then once a second", async (t) => {
    let asked = 0;
    const tokens = managerFor(t, {
      provider: {
        name: "mine",
        endpoint: "https://mine.test/graphql",
        grant: () => (asked++, { accessToken: "always-the-same", expiresInMs: 60_000 }),
      },
    });
    const startedAt = performance.now();

    for (let turn = 0; turn < 7; turn++) tokens.invalidate(await tokens.getToken());

    const seconds = (performance.now() - startedAt) / 1_000;
    assert.ok(seconds > 1.5 && asked <= 6 + Math.ceil(seconds), `${asked} in ${seconds} s`);
  });
});

test("a refresh that was lost in the background does not take the token held away", async (t) => {
  const sandbox = await sandboxFor(t, { lifetimes: { fluz: 10_000 } });
  const tokens = managerFor(t, APIS.fluz.options(sandbox, { refreshWindow: 0.9, retry: RETRY }));
  const held = await tokens.getToken();
  sandbox.fault({ kind: "drop", when: "after", operation: APIS.fluz.refresh, times: 1 });
  const retried = next(tokens, "retry");
  const renewed = next(tokens, "token");

  await retried;
  const meanwhile = await tokens.getToken();
  await renewed;

  assert.ok([held, tokens.peek()?.value].includes(meanwhile));
  assert.deepEqual(asked(sandbox, "fluz"), [APIS.fluz.grant, APIS.fluz.refresh, APIS.fluz.grant]);
});
