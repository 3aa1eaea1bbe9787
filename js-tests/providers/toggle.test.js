// Toggle, end to end against the sandbox, in each reading of its documentation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { call, managerFor, operations, recordingFetch, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure } from "../support/waiting.js";

const PRODUCTS = "{ Products(account_id: 1) { id } }";

describe("a login", () => {
  test("by user name sends that and the password, and its token is taken", async (t) => {
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

describe("the variant", () => {
  for (const header of /** @type {const} */ (["x-authorization", "authorization", "both"])) {
    for (const bearerPrefix of [false, true]) {
      test(`header ${header}, ${bearerPrefix ? "with" : "without"} Bearer before the token`, async (t) => {
        const sandbox = await sandboxFor(t, {
          variants: { toggle: { header, bearerPrefix, sliding: "every" } },
        });
        const tokens = managerFor(t, toggle(sandbox));

        const token = await tokens.getToken();
        const response = await call(sandbox.toggle.endpoint, token, PRODUCTS);
        const adopted = tokens.adopt(response);
        const second = await tokens.getToken();

        assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
        assert.equal(adopted, true);
        assert.notEqual(second, token);
        assert.equal((await call(sandbox.toggle.endpoint, second, PRODUCTS)).status, 200);
      });
    }
  }

  test("LoginUser: one fallback, remembered", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { field: "LoginUser" } } });
    const tokens = managerFor(t, toggle(sandbox));

    await tokens.getToken();
    await tokens.refresh();
    await tokens.refresh();

    assert.deepEqual(operations(sandbox), ["loginUser", "LoginUser", "LoginUser", "LoginUser"]);
    assert.equal(sandbox.counts().toggle.grants, 3);
  });

  for (const unauthorizedStatus of /** @type {const} */ ([200, 403])) {
    test(`unauthorizedStatus ${unauthorizedStatus}: a wrong password is invalid_credentials`, async (t) => {
      const sandbox = await sandboxFor(t, { variants: { toggle: { unauthorizedStatus } } });
      const tokens = managerFor(t, toggle(sandbox, { password: "planted-password" }));

      const error = await failure(tokens.getToken());
      await failure(tokens.getToken());

      assert.deepEqual([error.code, error.status], ["invalid_credentials", unauthorizedStatus]);
      assertHoldsNone(error, [...secretsOf(sandbox), "planted-password"]);
      assert.equal(sandbox.requests().length, 1);
    });
  }

  for (const sliding of /** @type {const} */ (["every", "near-expiry", "never"])) {
    test(`sliding ${sliding}: what answers bring is adopted when they bring it`, async (t) => {
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

  test("slidingRevokes: the adopted token is the one that counts", async (t) => {
    const sandbox = await sandboxFor(t, {
      variants: { toggle: { sliding: "every", slidingRevokes: true } },
    });
    const tokens = managerFor(t, toggle(sandbox));

    for (let turn = 0; turn < 5; turn++) {
      const response = await call(sandbox.toggle.endpoint, await tokens.getToken(), PRODUCTS);
      assert.equal(response.status, 200);
      assert.equal(tokens.adopt(response), true);
    }

    assert.equal(sandbox.counts().toggle.grants, 1);
  });
});
