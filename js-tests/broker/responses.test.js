/**
 * Responses of the broker.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenError } from "graphql-token-manager";
import { createBroker } from "graphql-token-manager/broker";
import { claims, fluz, managerFor, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { thrown } from "../support/waiting.js";
import { ORIGIN, ask, brokerFor, digestOf, json, outcome } from "./support.js";

test("a page receives a token, its lifetime and its scopes", async (t) => {
  const { broker, tokens, sandbox } = await brokerFor(t);

  const response = await ask(broker);

  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("pragma"), "no-cache");
  const { access_token, token_type, expires_in, scope, ...more } = await json(response);
  assert.equal(access_token, await tokens.getToken());
  assert.deepEqual([token_type, scope, more], ["Bearer", "LIST_OFFERS", {}]);
  assert.ok(Number.isInteger(expires_in) && expires_in > 590 && expires_in <= 600, `${expires_in}`);
  assert.equal(sandbox.requests().length, 1);
});

test("`expires_in` is the remaining lifetime, even if the clock is wrong", async (t) => {
  const clock = simulatedTime(t);
  const sandbox = await sandboxFor(t, { now: () => clock.now() + 86_400_000 });
  const tokens = managerFor(t, fluz(sandbox, { refresh: "on-demand" }));
  const broker = createBroker(tokens, { authorize: () => ({}) });
  const before = await json(ask(broker));
  clock.advance(100_000);

  const after = await json(ask(broker));

  assert.equal(after.access_token, before.access_token);
  assert.equal(before.expires_in - after.expires_in, 100);
});

test("`expires_in` is rounded down, and a token with less than a second left is not sent", async (t) => {
  const time = simulatedTime(t);
  const grant = () => ({ accessToken: "token", expiresInMs: 10_000, scopes: ["A"] });
  const provider = { name: "acme", endpoint: "https://acme.test/graphql", grant };
  const tokens = managerFor(t, { provider, refresh: "on-demand", minValidityMs: 1 });
  const broker = createBroker(tokens, { authorize: () => ({}), rateLimit: false });
  const lifetime = async () => (await json(ask(broker))).expires_in;

  assert.equal(await lifetime(), 10);
  time.advance(1);
  assert.equal(await lifetime(), 9);
  time.advance(8_998);
  assert.equal(tokens.status().expiresInMs, 1_001);
  assert.equal(await lifetime(), 1);
});

test("a body that is not a valid form is rejected before `authorize` is called", async (t) => {
  let calls = 0;
  const { broker, sandbox } = await brokerFor(t, { authorize: () => (calls++, {}) });
  const long = `scope=${"a".repeat(8 * 1024)}`;

  for (const [response, ...expected] of /** @type {[Promise<Response>, number, string][]} */ ([
    [ask(broker, {}, { method: "GET" }), 405, "invalid_request"],
    [ask(broker, {}, { method: "PUT" }), 405, "invalid_request"],
    [ask(broker, {}, { headers: { "content-type": "application/json" } }), 415, "invalid_request"],
    [ask(broker, {}, { headers: { "content-type": "text/plain" } }), 415, "invalid_request"],
    [ask(broker, long), 413, "invalid_request"],
    [ask(broker, {}, { headers: { "content-length": "8193" } }), 413, "invalid_request"],
    [ask(broker, "scope=a&scope=b"), 400, "invalid_request"],
    [ask(broker, "userId=a&userId=b"), 400, "invalid_request"],
    [ask(broker, { scope: 'a"b' }), 400, "invalid_request"],
    [ask(broker, { scope: " " }), 400, "invalid_request"],
    [ask(broker, { refused: "short" }), 400, "invalid_request"],
    [ask(broker, { grant_type: "password" }), 400, "unsupported_grant_type"],
  ])) {
    assert.deepEqual(await outcome(response), expected);
    assert.equal((await response).headers.get("cache-control"), "no-store");
  }
  assert.equal((await ask(broker, {}, { method: "GET" })).headers.get("allow"), "POST, OPTIONS");
  assert.deepEqual([calls, sandbox.requests().length], [0, 0]);
});

test("a body that is cut off, endless or not UTF-8 is rejected", async (t) => {
  const { broker } = await brokerFor(t);
  let pulled = 0;
  const streams = {
    cut: new ReadableStream({ start: (it) => it.error(new Error("planted")) }),
    endless: new ReadableStream({ pull: (it) => it.enqueue(new Uint8Array((pulled++, 1024)).fill(97)) }),
    bytes: new ReadableStream({
      start: (it) => {
        it.enqueue(new Uint8Array([0x61, 0x3d, 0xff]));
        it.close();
      },
    }),
  };
  /** @type {any} */
  const init = {
    method: "POST",
    duplex: "half",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  };

  const outcomes = [];
  for (const body of Object.values(streams)) {
    outcomes.push(await outcome(broker(new Request(`${ORIGIN}/token`, { ...init, body }))));
  }

  assert.deepEqual(outcomes, [
    [400, "invalid_request"],
    [413, "invalid_request"],
    [400, "invalid_request"],
  ]);
  assert.ok(pulled < 12, `${pulled}`);
});

test("a form as sent by OAuth clients is accepted, whatever its case and charset", async (t) => {
  const { broker } = await brokerFor(t);
  const form = { grant_type: "client_credentials", client_id: "x", client_secret: "", scope: "" };
  const headers = { "content-type": "Application/X-WWW-Form-URLencoded; charset=UTF-8" };

  assert.equal((await ask(broker, form, { headers })).status, 200);
});

test("an unauthenticated visitor receives 401, and no request is sent to the API", async (t) => {
  for (const unauthenticated of [null, undefined, /** @type {const} */ (false)]) {
    const { broker, sandbox } = await brokerFor(t, { authorize: async () => unauthenticated });

    const response = await ask(broker);

    assert.deepEqual(await outcome(response), [401, "invalid_client"]);
    // With such a scheme, browsers do not open a dialog.
    assert.equal(response.headers.get("www-authenticate"), "Bearer");
    assert.equal(sandbox.requests().length, 0);
  }
});

test("`authorize` receives the request and the requested selector", async (t) => {
  /** @type {any[]} */
  const seen = [];
  const { broker } = await brokerFor(t, {
    authorize: (request, asked) => (seen.push(request.headers.get("cookie"), asked), null),
  });

  await ask(broker, { userId: "u", scope: "a b a", __proto__x: "1" }, { headers: { cookie: "sid=1" } });

  assert.deepEqual(seen, ["sid=1", { userId: "u", scopes: ["a", "b"], __proto__x: "1" }]);
});

test("a rejected token is invalidated if it is the cached one, at most once in five seconds", async (t) => {
  const clock = simulatedTime(t);
  const { broker, sandbox } = await brokerFor(t);
  const first = (await json(ask(broker))).access_token;

  const others = await json(ask(broker, { refused: digestOf("another") }));
  const second = (await json(ask(broker, { refused: digestOf(first) }))).access_token;
  const late = (await json(ask(broker, { refused: digestOf(first) }))).access_token;
  const tooSoon = (await json(ask(broker, { refused: digestOf(second) }))).access_token;
  clock.advance(5_000);
  const third = (await json(ask(broker, { refused: digestOf(second) }))).access_token;

  assert.equal(others.access_token, first);
  assert.equal(new Set([first, second, third]).size, 3);
  assert.deepEqual([late, tooSoon], [second, second]);
  assert.equal(sandbox.requests().length, 3);
});

test("two hundred pages whose token was revoked cause one grant", async (t) => {
  const { broker, sandbox } = await brokerFor(t, { rateLimit: false }, { renewal: "generate" });
  const { access_token } = await json(ask(broker));
  sandbox.revoke();

  const pages = Array.from({ length: 200 }, () => json(ask(broker, { refused: digestOf(access_token) })));
  const given = new Set((await Promise.all(pages)).map((answer) => answer.access_token));

  assert.equal(given.size, 1);
  assert.ok(!given.has(access_token));
  assert.equal(sandbox.requests().length, 2);
});

test("failures have a status and an OAuth error code, and no details", async (t) => {
  const { tokens } = await brokerFor(t);
  /** @type {[Error, ...unknown[]][]} */
  const cases = [
    [new TokenError("network", "planted"), 503, "temporarily_unavailable"],
    [new TokenError("timeout", "planted"), 503, "temporarily_unavailable"],
    [new TokenError("rate_limited", "planted", { retryAfterMs: 6_500 }), 503, "temporarily_unavailable", 7],
    [new TokenError("server", "planted", { retryAfterMs: 1 }), 503, "temporarily_unavailable", 1],
    [new TokenError("closed", "planted"), 503, "temporarily_unavailable"],
    [new TokenError("insufficient_scope", "planted"), 400, "invalid_scope"],
    [new TokenError("invalid_credentials", "planted"), 500, "server_error"],
    [new TokenError("protocol", "planted"), 500, "server_error"],
    [new TypeError("planted"), 500, "server_error"],
  ];
  for (const [error, ...expected] of cases) {
    /** @type {unknown[]} */
    const errors = [];
    const manager = Object.assign(Object.create(tokens), {
      getAccessToken: () => Promise.reject(error),
      peek: () => undefined,
    });
    const broker = createBroker(manager, { authorize: () => ({}), onError: (it) => void errors.push(it) });

    const response = await ask(broker);

    const text = await response.clone().text();
    assert.ok(!text.includes("planted"), text);
    assert.deepEqual(await outcome(response), expected);
    assert.deepEqual(errors, response.status >= 500 ? [error] : []);
  }
});

test("what the operator's functions throw or return is reported to `onError` only", async (t) => {
  const thrown = new Error("planted");
  const reject = () => Promise.reject(thrown);
  /** @type {Record<string, any>[]} */
  const wrong = [
    { authorize: reject },
    { authorize: () => ({ then: () => assert.fail(thrown) }) },
    { subject: reject },
    { subject: () => undefined },
    { subject: () => ({}) },
  ];
  for (const options of wrong) {
    /** @type {any[]} */
    const errors = [];
    const onError = (/** @type {unknown} */ error) => {
      errors.push(error);
      throw new Error("ignored");
    };
    const { broker } = await brokerFor(t, { ...options, onError });

    assert.deepEqual(await outcome(ask(broker)), [500, "server_error"]);
    assert.equal(errors.length, 1);
    assert.ok(errors[0] === thrown || errors[0].code === "invalid_options");
  }
});

test("an invalid selector returned by `authorize` is a failure, and no token is sent", async (t) => {
  /** `api/sessions.test.js` has further values: both are checked by the same code. @type {Record<string, unknown>} */
  const wrong = {
    "an undefined member": { userId: undefined },
    "undefined beside defined": { userId: "0ec0de00-0000-4000-8000-00000000000a", seatId: undefined },
    "a promise as a member": { userId: Promise.resolve("planted") },
    "undefined scopes": { scopes: undefined },
    "null scopes": { scopes: null },
    "an undefined scope": { scopes: [undefined] },
    "an unknown member": { planted: "x" },
    "a member named __proto__": JSON.parse('{"__proto__": {"userId": "planted"}}'),
    "an inherited member": Object.create({ userId: "planted" }),
    "an instance with fields": new (class {
      userId = "0ec0de00-0000-4000-8000-00000000000a";
    })(),
    "a Response": new Response(null, { status: 401 }),
    "a list": ["planted"],
    true: true,
    zero: 0,
    "a string": "planted",
    "an empty string": "",
    "a revoked proxy": revoked(),
  };
  for (const [what, given] of Object.entries(wrong)) {
    /** @type {any[]} */
    const errors = [];
    const { broker, sandbox } = await brokerFor(t, {
      authorize: /** @type {any} */ (() => given),
      onError: (error) => errors.push(error),
    });

    assert.deepEqual(await outcome(ask(broker)), [500, "server_error"], what);

    assert.equal(sandbox.requests().length, 0, what);
    assert.equal(errors.length, 1, what);
    if (what === "a revoked proxy") continue;
    assert.ok(TokenError.is(errors[0]), what);
    assert.equal(errors[0].code, "invalid_options", what);
    assert.doesNotMatch(errors[0].message, /planted(?!` is)/, what);
  }
});

test("the selector returned by `authorize` is read once", async (t) => {
  const ids = ["0ec0de00-0000-4000-8000-00000000000a", "0ec0de00-0000-4000-8000-00000000000b"];
  let reads = 0;
  const scopes = ["LIST_OFFERS"];
  const changing = {
    get userId() {
      return ids[reads++];
    },
    scopes,
  };
  const { broker } = await brokerFor(t, {
    authorize: () => changing,
    subject: () => {
      scopes.push("MANAGE_PAYMENT");
      return "one";
    },
  });

  const { access_token, scope } = await json(ask(broker));

  assert.equal(reads, 1);
  assert.match(claims(access_token).sub, /^0ec0de00-0000-4000-8000-00000000000a/);
  assert.equal(scope, "LIST_OFFERS");
});

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test("a page that disconnects is not waited for, and its grant serves the next one", async (t) => {
  const { broker, sandbox } = await brokerFor(t);
  const leaving = new AbortController();
  const end = sandbox.fault({ provider: "fluz", kind: "delay", ms: 50 });

  const asked = ask(broker, {}, { signal: leaving.signal });
  const also = ask(broker);
  leaving.abort();

  assert.equal((await asked).status, 499);
  assert.equal((await also).status, 200);
  assert.equal(sandbox.requests().length, 1);
  end();
});

test("a request whose body was already read is reported to the operator", async (t) => {
  /** @type {any[]} */
  const errors = [];
  const { broker } = await brokerFor(t, { onError: (error) => errors.push(error) });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const request = new Request(`${ORIGIN}/token`, { method: "POST", headers, body: "userId=u" });
  await request.text();

  assert.deepEqual(await outcome(broker(request)), [500, "server_error"]);
  assert.equal(errors.length, 1);
});

test("invalid options of a broker are reported when it is created", async (t) => {
  const { tokens } = await brokerFor(t);
  const authorize = () => ({});
  /** @type {[options: unknown, named: string][]} */
  const wrong = [
    [undefined, "`authorize`"],
    [{ authorize: {} }, "`authorize`"],
    [{ authorize, allowedOrigin: ["planted"] }, "`allowedOrigins`"],
    [{ authorize, allowedOrigins: "https://app.test" }, "`allowedOrigins`"],
    [{ authorize, origin: "https://app.test/path" }, "`origin`"],
    [{ authorize, subject: "planted" }, "`subject`"],
    [{ authorize, onError: "planted" }, "`onError`"],
  ];
  for (const origin of ["*", "null", "https://app.test/", "app.test", "file:///x", "https://*.app.test"]) {
    wrong.push([{ authorize, allowedOrigins: [origin] }, "`allowedOrigins`"]);
  }
  for (const rateLimit of [
    true,
    null,
    5,
    { requests: 0 },
    { requests: 1.5 },
    { perMs: 0 },
    { perMs: NaN },
    { per: 1 },
  ]) {
    wrong.push([{ authorize, rateLimit }, "`rateLimit`"]);
  }
  for (const [options, named] of wrong) {
    const error = thrown(() => createBroker(tokens, /** @type {any} */ (options)));
    assert.ok(error instanceof TypeError && error.message.includes(named), `${error}`);
  }
  assert.throws(() => createBroker(/** @type {any} */ ({}), { authorize }), TypeError);
});

test("without `onError`, each kind of failure is printed once, and without what functions of the options said", async (t) => {
  const print = t.mock.method(console, "error", () => {});
  /** @type {unknown[]} */
  const failures = [
    new RangeError("planted-secret"),
    new TokenError("invalid_options", "planted-secret"),
    Object.assign(new TokenError("protocol", "no"), { code: "planted-secret" }),
    "planted-secret",
  ];
  for (const failing of ["authorize", "subject"]) {
    for (const failure of failures) {
      const fails = () => {
        throw failure;
      };
      const { broker } = await brokerFor(t, { authorize: () => ({}), [failing]: fails });
      const before = print.mock.callCount();
      for (let count = 0; count < 3; count++) assert.equal((await ask(broker)).status, 500);
      assert.equal(print.mock.callCount(), before + 1);
    }
  }
  const lines = print.mock.calls.map(({ arguments: [line] }) => String(line));
  assert.match(lines[0] ?? "", /RangeError/);
  assert.match(lines[1] ?? "", /TokenError invalid_options/);
  assert.ok(!lines.join().includes("planted"), lines.join());
});

test("without `onError`, the message of a TokenError of the broker or its manager is printed", async (t) => {
  const print = t.mock.method(console, "error", () => {});
  const { broker } = await brokerFor(t, { authorize: () => /** @type {any} */ ({ userId: undefined }) });

  assert.equal((await ask(broker)).status, 500);

  assert.match(String(print.mock.calls[0]?.arguments[0]), /invalid_options: .*authorize/);
});

test("with `onError`, nothing is printed", async (t) => {
  const print = t.mock.method(console, "error", () => {});
  const { broker } = await brokerFor(t, {
    authorize: () => {
      throw new Error("planted");
    },
    onError: () => {},
  });
  assert.equal((await ask(broker)).status, 500);
  assert.equal(print.mock.callCount(), 0);
});
