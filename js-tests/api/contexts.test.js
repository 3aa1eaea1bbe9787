// Shared work of a manager does not run in a caller's async context, and does not keep one alive.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { run } from "../support/child.js";

const PROGRAM = `
  import { AsyncLocalStorage } from "node:async_hooks";
  const storage = new AsyncLocalStorage();
  const seen = {};
  const note = (where) => (seen[where] ??= []).push(storage.getStore()?.id ?? "none");
  const collected = new Set();
  const registry = new FinalizationRegistry((id) => collected.add(id));
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

  let grants = 0;
  const make = async () => new (await import("graphql-token-manager")).TokenManager({
    provider: {
      name: "acme",
      endpoint: "https://api.acme.test/graphql",
      authenticate: { document: "mutation ($key: String!, $user: ID!) { login(key: $key, user: $user) { jwt } }", variables: { key: () => (note("secret"), "key"), user: "me" } },
      token: { data: "login.jwt" },
      expiry: { lifetimeMs: 400 },
    },
    minValidityMs: 0,
    keepAlive: true,
    retry: { attempts: 1 },
    fetch: async (_, { body }) => {
      if (!body.includes("login")) return note("request"), Response.json({ data: { me: 1 } });
      note("grant");
      return Response.json({ data: { login: { jwt: "t" + ++grants } } });
    },
  });
  // Loads the package within the first request, or before it.
  let tokens = given.isLazy ? undefined : await make();
  const renewed = (count) => new Promise((resolve) => {
    const stop = tokens.on("token", () => {
      note("listener");
      if (grants >= count) stop(), resolve();
    });
  });
  const handle = (id) => {
    const context = { id };
    registry.register(context, id);
    return storage.run(context, async () => {
      tokens ??= await make();
      await tokens.getToken();
      const other = tokens.session({ user: "other" });
      other.on("token", () => note("session listener"));
      await other.getToken();
      await tokens.request("{ me }");
      note("caller");
    });
  };
  await handle("first");
  await renewed(4);
  // Until version 22, Node itself keeps the context of an import() alive.
  while (!given.isLazy && !collected.has("first")) {
    globalThis.gc();
    await turn();
  }
  const fifth = renewed(grants + 2);
  await handle("second");
  await fifth;
  await tokens.close();
  process.stdout.write(JSON.stringify(seen));
`;

describe("AsyncLocalStorage", () => {
  for (const isLazy of [false, true]) {
    const title = isLazy
      ? "the store of the caller that loads the package is visible to its own requests only"
      : "the store of a caller is visible to its own requests only, and is collected while tokens are renewed";
    test(title, async () => {
      const { status, stdout, stderr } = await run(PROGRAM, { flags: ["--expose-gc"], given: { isLazy } });

      assert.equal(status, 0, stderr);
      const { caller, request, ...shared } = JSON.parse(stdout);
      assert.deepEqual(caller, ["first", "second"]);
      assert.deepEqual(request, ["first", "second"]);
      assert.deepEqual(Object.keys(shared).sort(), ["grant", "listener", "secret", "session listener"]);
      for (const [where, ids] of Object.entries(shared)) {
        assert.deepEqual([...new Set(ids)], ["none"], `${where} ran in the context of a caller: ${ids}`);
      }
    });
  }
});
