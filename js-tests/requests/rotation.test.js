// Tokens in ordinary responses.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor, toggle } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { record } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

const PRODUCTS = { ...POST, body: JSON.stringify({ query: "{ Products(account_id: 1) { id } }" }) };

describe("tokens.fetch adopts", () => {
  test("a newer Toggle token, without a login", async (t) => {
    const sandbox = await sandboxFor(t, { variants: { toggle: { sliding: "every", slidingRevokes: true } } });
    const tokens = managerFor(t, toggle(sandbox));
    const first = await tokens.getToken();

    for (let call = 0; call < 5; call++) {
      const response = await tokens.fetch(sandbox.toggle.endpoint, PRODUCTS);
      assert.equal((await response.json()).errors, undefined);
    }

    assert.notEqual(await tokens.getToken(), first);
    assert.deepEqual([sandbox.counts().toggle.grants, sandbox.counts().toggle.refused], [1, 0]);
  });

  test("a token from any kind of response, but not from a rejection or a server error", async (t) => {
    /** @type {[path: string, status: number, type: string][]} */
    const answers = [
      ["json", 200, "application/json"],
      ["event", 200, "text/event-stream"],
      ["bad", 400, "application/json"],
      ["refused", 401, "application/json"],
      ["outage", 503, "application/json"],
    ];
    const { endpoint, origin } = await apiFor(t, ({ url }, response) => {
      const [path, status, type] = answers.find(([path]) => url === `/${path}`) ?? ["", 200, ""];
      json(response, status, "{}", { "content-type": type, "x-new": `new-${path}` });
    });
    const { tokens } = countedFor(t, endpoint, {}, { sliding: { header: "x-new", sameSession: true } });

    const held = [];
    for (const [path] of answers) {
      await (await tokens.fetch(`${origin}/${path}`)).text();
      held.push(await tokens.getToken());
    }

    assert.deepEqual(held, ["new-json", "new-event", "new-bad", "token-2", "token-2"]);
  });

  test("no token from a rejection inside HTTP 200 that repeats it", async (t) => {
    const { endpoint } = await apiFor(t, ({ token }, response) => {
      const rejection = { errors: [{ message: "Unauthorized" }] };
      if (token === "token-1") json(response, 200, rejection, { "x-new": "from-a-refusal" });
    });
    const { tokens } = countedFor(t, endpoint, {}, { sliding: { header: "x-new", sameSession: true } });

    assert.equal((await tokens.fetch(endpoint, POST)).status, 200);

    assert.equal(await tokens.getToken(), "token-2");
  });

  test("no token if the caller sent its own Authorization, which may be another user's", async (t) => {
    const { endpoint } = await apiFor(t, (_, response) => json(response, 200, "{}", { "x-new": "theirs" }));
    const { tokens } = countedFor(t, endpoint, {}, { sliding: { header: "x-new", sameSession: true } });
    await tokens.getToken();

    await tokens.fetch(endpoint, { headers: { authorization: "Bearer other" } });

    assert.equal(await tokens.getToken(), "token-1");
  });
});

test("a newer token is adopted by the session whose token was sent, not by a borrower", async (t) => {
  /** The operations that the API permits each token. @type {Map<string, string[]>} */
  const allowed = new Map();
  const issue = (/** @type {string[]} */ scopes) => {
    const token = `token-${allowed.size + 1}`;
    allowed.set(token, scopes);
    return token;
  };
  const { endpoint, received } = await apiFor(t, ({ token = "" }, response) => {
    json(response, 200, { data: { ok: true } }, { "x-new": issue(allowed.get(token) ?? []) });
  });
  const grant = (/** @type {any} */ { scopes }) => ({
    accessToken: issue(scopes),
    scopes,
    expiresInMs: 60_000,
  });
  const { tokens } = countedFor(
    t,
    endpoint,
    { scopes: ["READ"] },
    { grant, sliding: { header: "x-new", sameSession: true } },
  );
  const wide = tokens.session({ scopes: ["ADMIN", "READ"] });
  const narrow = tokens.session({ scopes: ["READ"] });
  const lent = await wide.getToken();

  await narrow.fetch(endpoint, POST);
  await narrow.request("{ ok }");

  assert.deepEqual(allowed.get(`${received[0]?.token}`), ["ADMIN", "READ"]);
  assert.notEqual(await wide.getToken(), lent);
  assert.equal(narrow.peek(), undefined);
  assert.deepEqual(allowed.get(await wide.getToken()), ["ADMIN", "READ"]);
});

test("Node, where every header is readable, causes no warning", async (t) => {
  const clock = simulatedTime(t);
  const { endpoint } = await apiFor(t);
  const grant = () => ({ accessToken: "token-1", expiresInMs: 60_000 });
  const { tokens } = countedFor(t, endpoint, {}, { grant, sliding: { header: "x-new", sameSession: true } });
  const events = record(tokens);

  await tokens.fetch(endpoint);
  clock.advance(35_000);
  await tokens.fetch(endpoint);

  assert.deepEqual(
    events.map(({ type }) => type),
    ["token"],
  );
});
