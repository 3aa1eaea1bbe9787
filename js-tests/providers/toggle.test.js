// Toggle, end to end against the sandbox, and its sliding tokens.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, managerFor, recordingFetch, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";

const PRODUCTS = "{ Products(account_id: 1) { id } }";

describe("a login", () => {
  test("by user name sends it and the password, and its token is accepted", async (t) => {
    const sandbox = await sandboxFor(t);
    const fetch = recordingFetch();
    const tokens = managerFor(t, toggle(sandbox, { fetch }));

    const token = await tokens.getToken();

    assert.equal((await call(sandbox.toggle.endpoint, token, PRODUCTS)).status, 200);
    const [request] = fetch.requests;
    const { username, password } = sandbox.toggle;
    assert.deepEqual(request?.body.variables, { login: username, password });
    assert.match(request?.body.query, /\(username: \$login, password: \$password\)/);
    assert.equal(request?.headers.get("authorization"), null);
  });
});

describe("the schema variant", () => {
  for (const sliding of /** @type {const} */ (["every", "near-expiry", "never"])) {
    test(`sliding ${sliding}: a token in a response is adopted when the response has one`, async (t) => {
      const clock = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: clock.now, variants: { toggle: { sliding } } });
      const tokens = managerFor(t, toggle(sandbox));
      const token = await tokens.getToken();

      const early = tokens.adopt(await call(sandbox.toggle.endpoint, token, PRODUCTS));
      clock.advance(3_000_000);
      const held = tokens.peek()?.value ?? "";
      const late = tokens.adopt(await call(sandbox.toggle.endpoint, held, PRODUCTS));

      const expected = { every: [true, true], "near-expiry": [false, true], never: [false, false] }[sliding];
      assert.deepEqual([early, late], expected);
      const left = Number(tokens.peek()?.expiresAt) - clock.now();
      assert.ok(Math.abs(left - (late ? 3_600_000 : 600_000)) < 2_500, `${left}`);
    });
  }
});
