// The public access token: its properties, and that printing does not expose it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, fluz, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, waysToShow } from "../support/secrets.js";

describe("a token", () => {
  test("is a string, and the same for each of the three methods", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));

    const token = await tokens.getToken();

    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(await tokens.authorization(), `Bearer ${token}`);
    assert.equal((await tokens.getAccessToken()).value, token);
    assert.deepEqual(sandbox.counts().fluz, { grants: 1, refreshes: 0, calls: 0, refused: 0, reused: 0 });
  });

  test("has its type, its scopes and its times", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 60_000 } });
    const tokens = managerFor(t, fluz(sandbox, { scopes: ["LIST_PURCHASES", "LIST_OFFERS"] }));

    const before = Date.now();
    const token = await tokens.getAccessToken();
    const after = Date.now();

    assert.equal(token.tokenType, "Bearer");
    assert.deepEqual([...token.scopes].sort(), ["LIST_OFFERS", "LIST_PURCHASES"]);
    assert.ok(before <= token.issuedAt && token.issuedAt <= after + 1, "issued when it was received");
    assert.ok(Math.abs(token.expiresAt - token.issuedAt - 60_000) <= 1, "and expires a minute later");
  });

  test("is frozen, and so are its scopes", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    const token = await tokens.getAccessToken();

    assert.ok(Object.isFrozen(token));
    assert.ok(Object.isFrozen(token.scopes));
    assert.throws(() => Object.assign(token, { value: "mine" }), TypeError);
  });

  test("is one object for all callers until it is replaced", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    const [first, second] = await Promise.all([tokens.getAccessToken(), tokens.getAccessToken()]);

    assert.equal(first, second);
    assert.equal(tokens.peek(), first);
  });
});

describe("printing a token", () => {
  test("shows its times and never its value, however it is printed or copied", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));

    const token = await tokens.getAccessToken();
    const { value } = token;

    assertHoldsNone(token, [value]);
    assertHoldsNone({ nested: [token] }, [value]);
    assertHoldsNone({ ...token }, [value]);
    assertHoldsNone(new Error("it failed", { cause: token }), [value]);
    assert.equal(`${token}`, `AccessToken [redacted] until ${new Date(token.expiresAt).toISOString()}`);
    const { tokenType, scopes, issuedAt, expiresAt } = token;
    assert.deepEqual(JSON.parse(JSON.stringify(token)), {
      value: "[redacted]",
      tokenType,
      scopes,
      issuedAt,
      expiresAt,
    });
  });

  test("to the console shows no value", async (t) => {
    const tokens = managerFor(t, fluz(await sandboxFor(t)));
    const token = await tokens.getAccessToken();
    const written = t.mock.method(process.stdout, "write", () => true);

    console.log(token, [token], `${token}`);
    console.log("%s %o %O %j", token, token, token, token);
    const printed = written.mock.calls.map(({ arguments: [text] }) => String(text)).join("");
    written.mock.restore();

    assert.match(printed, /redacted/);
    assert.ok(!printed.includes(token.value), "the value was printed");
  });

  test("shows no secret of the manager, before and after a grant", async (t) => {
    const sandbox = await sandboxFor(t);
    const tokens = managerFor(t, fluz(sandbox));
    const { apiKey } = sandbox.fluz;

    assertHoldsNone(tokens, [apiKey]);
    const token = await tokens.getToken();

    assertHoldsNone(tokens, [apiKey, token]);
    assertHoldsNone(tokens.status(), [apiKey, token]);
  });

  test("with a secret in it is detected by the scan", () => {
    const hidden = Object.defineProperty(new Error("x"), "hidden", { value: { deep: "planted" } });

    const seen = waysToShow(new Error("y", { cause: hidden })).filter(([, text]) => text.includes("planted"));

    assert.ok(seen.length >= 2);
    assert.throws(() => assertHoldsNone(hidden, ["planted"]), /secret number 0/);
  });
});
