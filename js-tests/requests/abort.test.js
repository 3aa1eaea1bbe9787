// Abort signals and timeouts of callers.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Gate, until, within } from "../support/waiting.js";
import { POST, apiFor, countedFor, json } from "./support.js";

const REASON = new Error("the caller's own");

/** @type {[name: string, call: (tokens: import("graphql-token-manager").TokenManager, endpoint: string, signal: AbortSignal) => Promise<any>][]} */
const CALLS = [
  ["fetch", (tokens, endpoint, signal) => tokens.fetch(endpoint, { ...POST, signal })],
  [
    "fetch of a Request",
    (tokens, endpoint, signal) => tokens.fetch(new Request(endpoint, { ...POST, signal })),
  ],
  ["request", (tokens, _endpoint, signal) => tokens.request("{ ok }", {}, { signal })],
];

/** @param {Promise<unknown>} promise */
const reasonOf = (promise) =>
  promise.then(
    () => assert.fail("it did not reject"),
    (reason) => reason,
  );

for (const [name, call] of CALLS) {
  describe(name, () => {
    test("rejects with the reason of a signal that is already aborted", async (t) => {
      const { endpoint, received } = await apiFor(t);
      const { tokens } = countedFor(t, endpoint);

      const signal = AbortSignal.abort(REASON);
      const cold = await reasonOf(call(tokens, endpoint, signal));
      await tokens.getToken();
      const warm = await reasonOf(call(tokens, endpoint, signal));

      assert.deepEqual([cold, warm], [REASON, REASON]);
      assert.equal(received.length, 0);
    });

    test("rejects with the reason while it waits for the token, and the grant continues", async (t) => {
      const { endpoint, received } = await apiFor(t);
      /** @type {Gate} */
      const granted = new Gate();
      const grant = async () => {
        await granted.opened;
        return { accessToken: "token-1", expiresInMs: 60_000 };
      };
      const { tokens } = countedFor(t, endpoint, {}, { grant });
      const controller = new AbortController();
      const waiting = reasonOf(call(tokens, endpoint, controller.signal));
      const other = tokens.getToken();
      await until(() => tokens.status().refreshing, "the grant is in flight");

      controller.abort(REASON);

      assert.equal(await waiting, REASON);
      granted.open();
      assert.equal(await other, "token-1");
      assert.equal(received.length, 0);
      // Listeners of the Request itself do not count.
      if (name !== "fetch of a Request")
        assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    });

    test("rejects with the reason while it waits for the first and for the replayed response", async (t) => {
      for (const path of ["first", "second"]) {
        const controller = new AbortController();
        const { endpoint } = await apiFor(t, async ({ token }, response) => {
          if (path === "second" && token === "token-1") return json(response, 401, {});
          controller.abort(REASON);
          await new Promise((resolve) => response.once("close", () => resolve(undefined)));
        });
        const { tokens } = countedFor(t, endpoint);

        assert.equal(await reasonOf(call(tokens, endpoint, controller.signal)), REASON);
      }
    });
  });
}

test("a signal that outlives many calls has no listener left", async (t) => {
  const { endpoint } = await apiFor(t);
  const { tokens } = countedFor(t, endpoint);
  const { signal } = new AbortController();
  const bare = new AbortController();
  const before = async (/** @type {() => Promise<Response>} */ ask) => (await ask()).text();
  for (let call = 0; call < 5; call++) await before(() => fetch(endpoint, { ...POST, signal: bare.signal }));

  for (let call = 0; call < 5; call++) {
    await before(() => tokens.fetch(endpoint, { ...POST, signal }));
    await tokens.request("{ ok }", {}, { signal });
  }

  // Listeners that `fetch` keeps until its Request is collected do not count.
  const left = getEventListeners(signal, "abort").length;
  assert.ok(left <= 2 * getEventListeners(bare.signal, "abort").length, `${left}`);
});

test("an abort while the body is received rejects the read, like `fetch`", async (t) => {
  const controller = new AbortController();
  const { endpoint } = await apiFor(t, async (_, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.write("a");
    await new Promise((resolve) => response.once("close", () => resolve(undefined)));
  });
  const { tokens } = countedFor(t, endpoint);

  const response = await tokens.fetch(endpoint, { signal: controller.signal });
  controller.abort(REASON);

  // In Node, not always with the reason.
  await reasonOf(response.text());
});

test("a Request is aborted also after a garbage collection", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  const arrived = new Gate();
  const { endpoint } = await apiFor(t, () => {
    arrived.open();
    return new Promise(() => {});
  });
  const { tokens } = countedFor(t, endpoint);
  const controller = new AbortController();
  const request = new Request(endpoint, { ...POST, signal: controller.signal });

  const sent = reasonOf(tokens.fetch(request));
  await arrived.opened;
  // The first collection removes what the second one finds unused.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  controller.abort();

  assert.equal(/** @type {any} */ (await within(sent, "the abort")).name, "AbortError");
  assert.equal(request.method, "POST");
});
