// Aborted requests, managers closed during an acquisition, and unreferenced managers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";

import { run } from "../support/child.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { EVENT_TYPES, failure, record, until } from "../support/waiting.js";
import { APIS, NAMES, RETRY } from "./providers.js";

describe("a provider that never responds", () => {
  test("does not keep a program running after the last attempt, nor do its connections", async (t) => {
    /** @type {import("node:net").Socket[]} */
    const open = [];
    const server = createServer((socket) => void open.push(socket.on("error", () => {}).resume()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    t.after(() => open.forEach((socket) => socket.destroy()));
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    const sandbox = await sandboxFor(t);
    const given = fluz(sandbox, { endpoint: `http://127.0.0.1:${port}/graphql`, timeoutMs: 150 });

    const { status, stdout, stderr } = await run(
      `import { TokenManager } from "graphql-token-manager";
      await new TokenManager(given).getToken().catch(({ code }) => console.log(code));`,
      { given },
    );

    assert.deepEqual([status, stdout.trim(), stderr], [0, "timeout", ""]);
    assert.ok(open.length >= 3, "it received three connections");
  });

  test("has its request aborted, by the signal of fetch and of a grant function", async (t) => {
    /** @type {AbortSignal[]} */
    const signals = [];
    const never = (/** @type {AbortSignal} */ signal) => (signals.push(signal), new Promise(() => {}));
    const timing = { timeoutMs: 20, retry: { attempts: 1 } };
    const byFetch = managerFor(
      t,
      fluz(await sandboxFor(t), {
        fetch: (/** @type {string} */ _url, /** @type {{ signal: AbortSignal }} */ { signal }) =>
          never(signal),
        ...timing,
      }),
    );
    const byGrant = managerFor(t, {
      provider: {
        name: "mine",
        endpoint: "https://mine.test/graphql",
        grant: (/** @type {{ signal: AbortSignal }} */ { signal }) => never(signal),
      },
      ...timing,
    });

    await failure(byFetch.getToken());
    await failure(byGrant.getToken());

    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });
});

describe("close", () => {
  for (const name of NAMES) {
    test(`${name}: at any moment of an acquisition, every caller is settled and no request is sent later`, async (t) => {
      const sandbox = await sandboxFor(t);
      for (let moment = 0; moment < 12; moment++) {
        let step = 0;
        const tick = () => {
          if (step++ === moment) void tokens.close();
        };
        const heal = sandbox.fault({ kind: "status", status: 503, times: 1 });
        const counting = (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
          tick();
          const response = fetch(url, init);
          response.then(tick, tick);
          return response.then((response) => {
            queueMicrotask(tick);
            return response;
          });
        };
        const tokens = managerFor(t, APIS[name].options(sandbox, { fetch: counting, retry: RETRY }));
        const events = record(tokens);
        for (const type of EVENT_TYPES) tokens.on(type, tick);

        const callers = [tokens.getToken(), tokens.refresh(), tokens.ready()].map((call) =>
          call.then(
            () => "settled",
            ({ code }) => code,
          ),
        );
        tick();
        const ends = await Promise.all(callers);
        await tokens.close();
        const asked = sandbox.requests().length;
        await new Promise(setImmediate);

        for (const end of ends) assert.ok(["settled", "closed"].includes(end), `${moment}: ${ends}`);
        assert.deepEqual(events.at(-1), { type: "close" });
        assert.equal(events.filter(({ type }) => type === "close").length, 1);
        assert.equal(tokens.peek(), undefined);
        assert.equal(sandbox.requests().length, asked);
        heal();
      }
    });
  }
});

describe("a listener", { concurrency: true }, () => {
  const METHODS = /** @type {const} */ ([
    "ready",
    "getToken",
    "getAccessToken",
    "authorization",
    "refresh",
    "peek",
    "invalidate",
    "adopt",
    "status",
    "on",
    "close",
    "dispose",
  ]);
  for (const type of EVENT_TYPES) {
    test(`for ${type} may call any method repeatedly, and no call hangs`, async (t) => {
      const sandbox = await sandboxFor(t, { lifetimes: { fluz: 60 } });
      for (const method of METHODS) {
        const scopes = ["LIST_OFFERS", "MAKE_DEPOSIT"];
        const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand", retry: RETRY, scopes }));
        /** @type {Promise<unknown>[]} */
        const inside = [];
        let left = 3;
        tokens.on(type, () => {
          if (left-- > 0) inside.push(settled(Promise.resolve(calling(tokens, method))));
        });
        const widen = sandbox.fault({ kind: "narrow", provider: "fluz", scopes: ["LIST_OFFERS"] });

        // Emits a warning and a token, then a retry and an error; the token expires, and the manager is closed.
        const calls = [await settled(tokens.getToken())];
        const heal = sandbox.fault({ kind: "status", status: 503 });
        calls.push(await settled(tokens.refresh()), await settled(tokens.getToken({ minValidityMs: 45 })));
        heal();
        widen();
        calls.push(await settled(tokens.refresh()));
        await until(() => ["expired", "empty"].includes(tokens.status().state), "it expired");
        void tokens.close();

        for (const end of [...calls, ...(await Promise.all(inside))]) {
          assert.ok(end === "settled" || end === "TokenError", `${method}: ${end}`);
        }
      }
    });
  }

  /**
   * @param {import("graphql-token-manager").TokenManager} tokens
   * @param {typeof METHODS[number]} method
   * @returns {unknown}
   */
  function calling(tokens, method) {
    switch (method) {
      case "invalidate":
        return tokens.invalidate(tokens.peek()?.value ?? "");
      case "adopt":
        return tokens.adopt(new Response());
      case "on":
        return tokens.on("token", () => {});
      case "dispose":
        return tokens[Symbol.dispose]();
      default:
        return tokens[method]();
    }
  }

  /** @param {Promise<unknown>} promise */
  const settled = (promise) =>
    promise.then(
      () => "settled",
      (error) => error.name,
    );
});
