// Unusual results of a user-supplied `fetch`, grant functions with repeated results, and unreferenced managers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../support/child.js";
import { failure } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

for (const [name, given] of /** @type {[string, any][]} */ ([
  ["nothing", undefined],
  ["null", null],
  ["a text", "x"],
  ["an object", {}],
])) {
  test(`a \`fetch\` that gives ${name}: tokens.fetch gives the same, request says what is wrong`, async (t) => {
    const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch: async () => given });

    assert.equal(await tokens.fetch("https://api.acme.test/graphql"), given);
    const error = await failure(tokens.request("{ ok }"));

    assert.equal(error.code, "protocol");
    assert.match(error.message, /option `fetch`/);
  });
}

test("a `fetch` that throws at once rejects", async (t) => {
  const fetch = () => {
    throw new RangeError("own");
  };
  const { tokens } = countedFor(t, "https://api.acme.test/graphql", { fetch });

  await assert.rejects(tokens.fetch("https://api.acme.test/graphql"), RangeError);
  assert.equal((await failure(tokens.request("{ ok }"))).code, "fetch_threw");
});

test("a grant function that gives the refused token again is asked now and then, not at each call", async (t) => {
  const { endpoint, asked } = await apiFor(t, (_, response) => json(response, 401, { error: "no" }));
  let grants = 0;
  const grant = () => {
    grants++;
    return { accessToken: "the-same", expiresInMs: 60_000 };
  };
  const { tokens } = countedFor(t, endpoint, {}, { grant });

  for (let call = 0; call < 5; call++) assert.equal((await tokens.fetch(endpoint, POST)).status, 401);
  assert.equal((await failure(tokens.request("{ ok }"))).code, "token_rejected");

  assert.deepEqual([grants, asked.length], [2, 6]);
});

test("a manager of which only `fetch` is held is not collected; one that nobody holds is", async (t) => {
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
