// Unusual results of a user-supplied `fetch`, grant functions with repeated results, and unreferenced managers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../support/child.js";
import { failure } from "../support/waiting.js";
import { apiFor, countedFor } from "./support.js";

test("a `fetch` result that is not a Response is returned by tokens.fetch and a protocol error of request()", async (t) => {
  for (const given of [undefined, null, "x", {}]) {
    const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch: async () => given });

    assert.equal(await tokens.fetch("https://api.acme.test/graphql"), given);
    assert.equal((await failure(tokens.request("{ ok }"))).code, "protocol");
  }
});

test("`maxResponseBytes` also limits a response without a stream", async (t) => {
  const headers = new Headers({ "content-type": "application/json" });
  const fetch = async () => ({ status: 200, ok: true, headers, text: async () => '{"data":{"ok":true}}' });
  const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch });

  assert.deepEqual(await tokens.request("{ ok }", {}, { maxResponseBytes: 20 }), { ok: true });
  const error = await failure(tokens.request("{ ok }", {}, { maxResponseBytes: 19 }));
  assert.equal(error.code, "protocol");
});

test("a `fetch` that throws synchronously rejects the call", async (t) => {
  const fetch = () => {
    throw new RangeError("own");
  };
  const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch });

  await assert.rejects(tokens.fetch("https://api.acme.test/graphql"), RangeError);
  assert.equal((await failure(tokens.request("{ ok }"))).code, "fetch_threw");
});

test("a manager is retained by its `fetch`, and collected when unreferenced", async (t) => {
  const { endpoint } = await apiFor(t);
  const program = `
    import { TokenManager } from "graphql-token-manager";
    const provider = { name: "acme", endpoint: given, grant: () => ({ accessToken: "token-1", expiresInMs: 60_000 }) };
    const closed = [];
    const make = (name) => {
      const tokens = new TokenManager({ provider });
      tokens.on("close", () => closed.push(name));
      return tokens.fetch;
    };
    const held = make("held");
    await make("dropped")(given);
    const end = Date.now() + 10_000;
    while (closed.length === 0 && Date.now() < end) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const response = await held(given);
    console.log(JSON.stringify([closed, response.status]));
  `;

  const { stdout, stderr } = await run(program, { flags: ["--expose-gc"], given: endpoint });

  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), [["dropped"], 200]);
});
