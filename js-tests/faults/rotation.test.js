// Single-use refresh tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, recordingFetch, sandboxFor } from "../support/setup.js";
import { APIS, RETRY, accepts } from "./providers.js";

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
    test(`${name}: a lost response costs a grant with the credentials; the refresh token is not presented twice`, async (t) => {
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
  }

  test("is replaced before listeners receive the new token", async (t) => {
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
