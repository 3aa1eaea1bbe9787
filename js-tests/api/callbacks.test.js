// User-supplied callbacks that fail in any way: the process must survive, so no rejection may be unhandled.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "../support/child.js";

/** Ways in which a callback may fail, as the source of a function that creates each. */
const FAILURES = `
  const fail = () => new Error("planted");
  class Sub extends Promise {}
  class Wayward extends Promise { then() { throw fail(); } }
  const changed = (then) => Object.defineProperty(Promise.reject(fail()), "then", then);
  const failures = {
    "throws": () => { throw fail(); },
    "throws no Error": () => { throw undefined; },
    "rejects": async () => { throw fail(); },
    "rejects later": () => new Promise((_, reject) => setTimeout(reject, 1, fail())),
    "rejects a subclass of Promise": () => Sub.reject(fail()),
    "rejects with a catch of its own": () => Object.assign(Promise.reject(fail()), { catch() {}, finally() {} }),
    "gives a thenable that rejects": () => ({ then: (_, reject) => reject(fail()) }),
    "gives a thenable that throws": () => ({ then: () => { throw fail(); } }),
    "gives a thenable that rejects twice": () => ({ then: (_, reject) => { reject(fail()); throw fail(); } }),
    "gives an object whose then throws": () => ({ get then() { throw fail(); } }),
    "rejects a promise whose then throws": () => changed({ value() { throw fail(); } }),
    "rejects a promise whose then is a getter that throws": () => changed({ get() { throw fail(); } }),
    "rejects a promise whose then does something else": () =>
      changed({ value(_, reject) { reject?.(fail()); return "garbage"; } }),
    "rejects a subclass of Promise whose then throws": () => Wayward.reject(fail()),
  };
`;

/** Places that accept callbacks. Each is called with a failing function, and settles when that was called. */
const PLACES = `
  import { TokenManager } from "graphql-token-manager";
  import { createBroker, toNodeListener } from "graphql-token-manager/broker";
  import { encrypted } from "graphql-token-manager/stores/encrypted";

  const quick = { retry: { attempts: 2, baseMs: 1, maxMs: 1 }, timeoutMs: 5_000, refresh: "on-demand" };
  const endpoint = "https://mine.test/graphql";
  let count = 0;
  const grant = ({ scopes }) => ({ accessToken: "token-" + ++count, expiresInMs: 60_000, scopes });
  const mine = (options, parts) =>
    new TokenManager({ provider: { name: "mine", endpoint, grant, ...parts }, ...quick, ...options });
  const managers = [];
  const kept = (tokens) => (managers.push(tokens), tokens);
  const fluz = { provider: "fluz", environment: "sandbox", endpoint, apiKey: "k", userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01", accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02", scopes: ["A"] };
  const settled = (promise) => Promise.resolve(promise).then(() => {}, () => {});

  const listener = (type, cause, parts) => async (failing) => {
    const tokens = kept(mine({}, parts));
    for (const one of [tokens, tokens.session({ user: "x" })]) {
      one.on(type, failing);
      await settled(one.getToken());
      await cause?.(one, tokens);
    }
  };
  const store = (parts) => ({
    get: () => undefined,
    set: () => true,
    delete: () => {},
    ...parts,
  });
  const stored = (made) => async (failing) => {
    const tokens = kept(mine({ store: store(made(failing)), storeTimeoutMs: 5_000, identity: "me" }));
    await settled(tokens.getToken());
    await settled(tokens.refresh());
    await settled(tokens.session({ user: "x" }).getToken());
    await tokens.session({ user: "x" }).close();
    await tokens.close();
  };
  const key = crypto.getRandomValues(new Uint8Array(32));
  const sealed = (parts) => stored((failing) => encrypted(store(parts(failing)), key));
  const lease = (release) => ({ acquire: async () => ({ fence: 1, release }) });
  const page = (options) => async (failing) => {
    const tokens = kept(mine());
    const broker = createBroker(tokens, { authorize: () => ({}), ...options(failing) });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status } = await broker(new Request("https://app.test/token", { method: "POST", headers, body: "" }));
    if (status !== 500) throw new Error("the broker answered with " + status);
  };
  const signal = (parts) => async (failing) => {
    const fake = { aborted: false, addEventListener() {}, removeEventListener() {}, ...parts(failing) };
    await settled(kept(mine()).getToken({ signal: fake }));
  };
  const broken = () => { throw new Error("the API is down"); };

  const places = {
    "a listener for token": listener("token"),
    "a listener for retry": listener("retry", undefined, { grant: broken }),
    "a listener for error": listener("error", undefined, { grant: broken }),
    "a listener for warning": listener("warning", (one) => {
      one.on("token", () => { throw new Error("for a warning"); });
      return settled(one.refresh());
    }),
    "a listener for close": listener("close", (one, tokens) => one !== tokens && tokens.close()),
    "a secret function": (failing) => settled(kept(new TokenManager({ ...fluz, ...quick, apiKey: failing })).getToken()),
    "a grant function": (failing) => settled(kept(mine({}, { grant: failing })).getToken()),
    "the fetch of grants": (failing) => settled(kept(new TokenManager({ ...fluz, ...quick, fetch: failing })).getToken()),
    "the fetch of scopes": (failing) =>
      settled(kept(new TokenManager({ ...fluz, ...quick, fetch: failing })).grantedScopes()),
    "the fetch of requests": async (failing) => {
      const tokens = kept(mine({ fetch: failing }));
      await settled(tokens.request("{ a }"));
      await settled(tokens.fetch(endpoint));
    },
    "the scopes function of requests": (scopes) => settled(kept(mine()).request("{ a }", {}, { scopes })),
    "the source of the core": (failing) => settled(new Promise((resolve) => resolve(TokenManager.ready(failing())))),
    "waitUntil, where I/O ends with its request": async (waitUntil) => {
      globalThis.EdgeRuntime = "edge-runtime";
      await settled(kept(mine({ waitUntil })).getToken());
      delete globalThis.EdgeRuntime;
    },
    "the body of an answer": (failing) => {
      const fetch = async () => ({ status: 200, headers: new Headers(), text: failing });
      return settled(kept(new TokenManager({ ...fluz, ...quick, fetch })).getToken());
    },
    "the store's get": stored((get) => ({ get })),
    "the store's set": stored((set) => ({ set })),
    "the store's acquire": stored((acquire) => ({ acquire })),
    "a lease's release": stored((release) => lease(release)),
    "the store's delete": (failing) => settled(encrypted(store({ delete: failing }), key).delete("a")),
    "the get of a store that is encrypted": sealed((get) => ({ get })),
    "the set of a store that is encrypted": sealed((set) => ({ set })),
    "the acquire of a store that is encrypted": sealed((acquire) => ({ acquire })),
    "the watch of a store that is encrypted": sealed((watch) => ({ watch })),
    "onWarning of a store": (onWarning) => encrypted(store({ get: () => "x" }), key, { onWarning }).get("a"),
    "the store's watch": stored((watch) => ({ watch })),
    "what the store's watch returned": stored((end) => ({ watch: () => end })),
    "what the store's watch resolved to": stored((end) => ({ watch: async () => end })),
    "the addEventListener of a signal": signal((addEventListener) => ({ addEventListener })),
    "the removeEventListener of a signal": signal((removeEventListener) => ({ removeEventListener })),
    "authorize of a broker": page((authorize) => ({ authorize })),
    "subject of a broker": page((subject) => ({ subject })),
    "onError of a broker": page((onError) => ({ authorize: () => true, onError })),
    "a broker under toNodeListener": async (failing) => {
      const response = { once() {}, headersSent: false, writeHead: (status) => ((response.status = status), response), end() {} };
      const message = { method: "GET", url: "/", headers: { host: "app.test" }, complete: true, httpVersionMajor: 1 };
      await toNodeListener(failing)(message, response);
      if (response.status !== 500) throw new Error("answered with " + response.status);
    },
    "the response of toNodeListener": async (failing) => {
      const response = { once: failing, writeHead: failing, end: failing, destroy: failing };
      await toNodeListener(async () => new Response())({ method: "GET", url: "/", headers: {} }, response);
    },
  };
`;

const PROGRAM = `
  ${PLACES}
  ${FAILURES}
  const lost = [];
  let now = "";
  process.on("unhandledRejection", () => lost.push(now));
  process.on("uncaughtException", () => lost.push(now));
  /** Long enough for a rejection that comes later, and for the report of one that was lost. */
  const later = () => new Promise((resolve) => setTimeout(resolve, 3)).then(() => new Promise(setImmediate));

  const uncalled = [];
  for (const [place, call] of Object.entries(places)) {
    for (const [kind, failure] of Object.entries(failures)) {
      // Methods of a platform object, which return nothing.
      if (/of a signal$|^the response/.test(place) && !kind.startsWith("throws")) continue;
      now = place + ": " + kind;
      let called = false;
      const failing = (...args) => ((called = true), failure(...args));
      await call(failing).catch((error) => lost.push(now + ": " + error.message));
      await Promise.all(managers.splice(0).map((tokens) => tokens.close()));
      await later();
      if (!called) uncalled.push(now);
    }
  }
  console.log(JSON.stringify({ lost, uncalled }));
`;

test("a callback that throws or rejects, at once or later, does not end the process", async () => {
  const { status, stdout, stderr } = await run(PROGRAM);

  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { lost: [], uncalled: [] });
});
