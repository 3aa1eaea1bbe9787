// `doctor`: each mistake is a line that leads to its cause, with an exit status, and no secret is printed.

import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createBroker, toNodeListener } from "graphql-token-manager/broker";

import { listening } from "../support/server.js";
import { fluz, managerFor, sandboxFor, sharedSandbox } from "../support/setup.js";
import { redisFor } from "../stores/redis-server.js";
import { folderFor } from "../stores/support.js";
import { apis, assertKeepsSecrets, run } from "./support.js";

/** @import { RequestListener } from "node:http" */
/** @import { TestContext } from "node:test" */
/** @import { How } from "./support.js" */

/** A secret that is not the sandbox's. */
const WRONG = "s3cr3t_0f_somebody";

/**
 * Runs `doctor` and returns its checks by their names.
 *
 * @param {readonly string[]} words
 * @param {How} [how]
 */
async function examine(words, how) {
  const { status, stdout, stderr } = await run(["doctor", "--json", ...words], how);
  assert.equal(stderr, "");
  assert.doesNotMatch(stdout, /eyJ|s3cr3t/);
  const { status: overall, checks } = JSON.parse(stdout);
  /** @type {Record<string, any>} */
  const byName = Object.fromEntries(checks.map((/** @type {any} */ check) => [check.name, check]));
  const statuses = Object.fromEntries(checks.map((/** @type {any} */ check) => [check.name, check.status]));
  for (const check of checks) {
    assert.equal(typeof check.message, "string");
    if (check.status === "failure") assert.equal(typeof check.remedy, "string", check.message);
  }
  return { status, overall, checks: byName, statuses };
}

/** @param {TestContext} t @param {RequestListener} listener */
const serve = (t, listener) => listening(t, createServer(listener));

/** @param {string} type @param {string} body @param {number} [status] @param {Record<string, string>} [headers] */
const answer =
  (type, body, status = 200, headers = {}) =>
  (/** @type {unknown} */ _request, /** @type {import("node:http").ServerResponse} */ response) =>
    void response.writeHead(status, { "content-type": type, ...headers }).end(body);

/** Flags of Toggle at another endpoint. @param {string} endpoint */
const toggleAt = (endpoint) => [
  ...["--provider", "toggle", "--username", "u", "--password-env", "SECRET"],
  ...["--endpoint", endpoint],
];
const SET = { env: { SECRET: WRONG } };

describe("a provider", () => {
  test("without a mistake is ok in each check, and receives one grant request", async (t) => {
    const sandbox = await sandboxFor(t);
    const { flags, env } = apis(sandbox).fluz;

    const result = await run(["doctor", ...flags], { env });

    assert.equal(result.status, 0, result.stdout);
    assert.equal(sandbox.counts().fluz.grants, 1);
    for (const name of ["options", "endpoint", "clock", "credentials"]) {
      assert.match(result.stdout, new RegExp(`^ok +${name} `, "m"));
    }
    assertKeepsSecrets(sandbox, result);
    assert.doesNotMatch(result.stdout, /eyJ/);
  });

  test("with incomplete options receives no request, and the status is 2", async () => {
    const { status, statuses, checks } = await examine(["--provider", "fluz", "--environment", "production"]);

    assert.equal(status, 2);
    assert.deepEqual(statuses, { options: "failure", endpoint: "skipped", credentials: "skipped" });
    assert.match(checks.options.message, /FLUZ_API_KEY/);
  });

  test("with a misspelled scope is a warning with the correct one and the provider's message", async (t) => {
    const { flags, env } = apis(await sharedSandbox(t)).fluz;

    const { status, statuses, checks } = await examine([...flags, "--scopes", "LIST_OFFERZ"], { env });

    assert.equal(status, 1);
    assert.equal(statuses.options, "warning");
    assert.match(checks.options.message, /LIST_OFFERZ.*LIST_OFFERS/);
    assert.match(checks.credentials.message, /LIST_OFFERZ/);
  });

  test("with an id that is not a UUID names the flag and the variable", async (t) => {
    const sandbox = await sharedSandbox(t);
    const { endpoint, apiKey, accountId } = sandbox.fluz;
    const env = {
      FLUZ_ENDPOINT: endpoint,
      FLUZ_API_KEY: apiKey,
      FLUZ_ACCOUNT_ID: accountId,
      FLUZ_USER_ID: "me",
    };

    const { status, checks } = await examine(["--provider", "fluz", "--scopes", "LIST_OFFERS"], { env });

    assert.equal(status, 2);
    assert.match(checks.options.message, /--user-id .*FLUZ_USER_ID/);
  });

  test("that rejects the credentials receives one grant request, and the host is named", async (t) => {
    const sandbox = await sandboxFor(t);
    const { flags } = apis(sandbox).fluz;

    const { status, statuses, checks } = await examine(flags, SET);

    assert.equal(status, 1);
    assert.deepEqual(statuses, { options: "ok", endpoint: "ok", clock: "ok", credentials: "failure" });
    assert.equal(checks.credentials.code, "invalid_credentials");
    assert.ok(checks.credentials.remedy.includes(new URL(sandbox.fluz.endpoint).host));
    assert.equal(
      sandbox.requests().filter(({ operation }) => operation === "generateUserAccessToken").length,
      1,
    );
  });

  test("that echoes the secret is quoted without it, in each of its encodings", async (t) => {
    const secret = `${WRONG} "quoted" ä`;
    const pair = Buffer.from(`u:${secret}`).toString("base64");
    const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), pair];
    const text = `no ${forms.join(" nor ")} nor ${"x1".repeat(25)}; sorry\u001b[2J`;
    const endpoint = await serve(
      t,
      answer("application/json", JSON.stringify({ errors: [{ message: text }] })),
    );

    const { checks } = await examine(toggleAt(endpoint), { env: { SECRET: secret } });

    assert.match(checks.credentials.message, /“no \[secret\]( nor \[secret\]){4}; sorry/);
    for (const form of forms) assert.ok(!JSON.stringify(checks).includes(form), form);
  });

  test("that granted fewer scopes is a warning that names them", async (t) => {
    const faults = [{ kind: "narrow", provider: "fluz", scopes: ["LIST_OFFERS"] }];
    const sandbox = await sandboxFor(t, /** @type {any} */ ({ faults }));
    const { flags, env } = apis(sandbox).fluz;

    const { status, checks } = await examine([...flags, "--scopes", "LIST_PURCHASES"], { env });

    assert.equal(status, 0);
    assert.equal(checks.credentials.status, "warning");
    assert.match(checks.credentials.message, /LIST_PURCHASES/);
  });
});

describe("an endpoint", () => {
  const HTML = "<!doctype html><title>Sign in</title>";
  /** @type {[title: string, listener: RequestListener, status: number, pattern: RegExp][]} */
  const MISTAKES = [
    ["that is a sign-in page", answer("text/html", HTML), 75, /sign-in page/],
    ["behind a firewall that blocks", answer("text/html", HTML, 403, { "cf-ray": "1" }), 75, /firewall/],
    [
      "that redirects",
      answer("text/plain", "", 302, { location: "https://portal.test/?a=1" }),
      1,
      /portal\.test/,
    ],
    ["with another path", answer("text/plain", "not found", 404), 1, /HTTP 404/],
    ["that is down", answer("application/json", "{}", 502), 75, /HTTP 502/],
    ["that is another API", answer("application/json", '{"ok":true}'), 1, /not GraphQL/],
  ];
  for (const [title, listener, expected, pattern] of MISTAKES) {
    test(`${title} receives no credentials`, async (t) => {
      /** @type {string[]} */
      const bodies = [];
      const endpoint = await serve(t, async (request, response) => {
        let body = "";
        for await (const part of request) body += part;
        bodies.push(`${request.headers.authorization}${body}`);
        listener(request, response);
      });

      const { status, statuses, checks } = await examine(toggleAt(endpoint), SET);

      assert.equal(status, expected);
      assert.equal(statuses.endpoint, "failure");
      assert.equal(statuses.credentials, "skipped");
      assert.match(checks.endpoint.message, pattern);
      assert.equal(bodies.length, 1);
      assert.ok(!bodies.join().includes(WRONG));
    });
  }

  test("that refuses connections is a retryable failure, with the system's error code", async () => {
    const { status, checks } = await examine(toggleAt("http://127.0.0.1:12/graphql"), SET);

    assert.equal(status, 75);
    assert.match(checks.endpoint.message, /ECONNREFUSED/);
  });

  for (const [days, expected] of [
    [-1, "behind"],
    [1, "ahead"],
  ]) {
    test(`whose clock is a day off is distinguished from a wrong local clock (${expected})`, async (t) => {
      const { flags, env } = apis(await sharedSandbox(t)).fluz;

      const { status, checks } = await examine(flags, { env, aheadMs: Number(days) * 86_400_000 });

      assert.equal(status, 1);
      assert.equal(checks.clock.status, "failure");
      assert.match(checks.clock.message, new RegExp(`1 d ${expected}`));
      assert.equal(checks.credentials.status, "ok");
    });
  }
});

describe("a store", () => {
  test("in a folder is ok, and a second check adds no file", async (t) => {
    const folder = join(await folderFor(t), "tokens");
    const files = async () => (await readdir(folder, { recursive: true })).length;

    const first = await examine(["--store", folder]);
    const count = await files();
    const second = await examine(["--store", folder]);

    assert.deepEqual([first.status, second.status], [0, 0], first.checks.store.message);
    assert.equal(await files(), count);
  });

  test("in a folder that cannot be created names the folder", async (t) => {
    const file = join(await folderFor(t), "file");
    await writeFile(file, "");

    const { status, checks } = await examine(["--store", join(file, "tokens")]);

    assert.equal(status, 1);
    assert.match(checks.store.message, /ENOTDIR.*tokens/);
  });

  test("in Redis is ok, with a password from a variable", async (t) => {
    const server = await redisFor(t, "--requirepass", WRONG);
    const address = `redis://127.0.0.1:${server.port}`;
    const env = {
      STORE: address.replace("://", `://:${WRONG}@`),
      OTHER: address.replace("://", "://:wrong@"),
    };

    const right = await examine(["--store-env", "STORE"], { env });
    const wrong = await examine(["--store-env", "OTHER"], { env });
    const none = await examine(["--store", address]);

    assert.deepEqual([right.status, wrong.status, none.status], [0, 1, 1]);
    assert.match(wrong.checks.store.message, /WRONGPASS/);
    assert.match(none.checks.store.message, /NOAUTH/);
  });

  test("in Redis that is down, or is another service, is a failure", async (t) => {
    const other = createTcpServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const { port } = new URL(await listening(t, other));

    const down = await examine(["--store", "redis://127.0.0.1:12"]);
    const another = await examine(["--store", `redis://127.0.0.1:${port}`]);

    assert.equal(down.status, 75);
    assert.match(down.checks.store.message, /ECONNREFUSED/);
    assert.equal(another.checks.store.status, "failure");
  });
});

describe("a broker", () => {
  const ORIGIN = "https://shop.example";

  /**
   * @param {TestContext} t
   * @param {Partial<import("graphql-token-manager/broker").BrokerOptions>} options
   */
  async function brokerFor(t, options) {
    const sandbox = await sharedSandbox(t);
    const broker = createBroker(managerFor(t, fluz(sandbox)), { authorize: () => null, ...options });
    return `${await serve(t, toNodeListener(broker))}/token`;
  }

  test("that lists the origin and requires a user is ok", async (t) => {
    const url = await brokerFor(t, { allowedOrigins: [ORIGIN] });

    const { status, statuses } = await examine(["--broker", url, "--origin", ORIGIN]);

    assert.equal(status, 0);
    assert.deepEqual(statuses, { broker: "ok", cors: "ok" });
  });

  test("that does not list the origin is a failure that names allowedOrigins", async (t) => {
    const url = await brokerFor(t, { allowedOrigins: ["https://other.example"] });

    const { status, checks } = await examine(["--broker", url, "--origin", ORIGIN]);

    assert.equal(status, 1);
    assert.match(checks.broker.remedy, /"https:\/\/shop\.example" to allowedOrigins/);
  });

  test("on the page's own origin does not need to list it", async (t) => {
    const { status, statuses } = await examine(["--broker", await brokerFor(t, {})]);

    assert.equal(status, 0);
    assert.deepEqual(statuses, { broker: "ok" });
  });

  test("that returns tokens without authentication is a warning, and its token is not printed", async (t) => {
    const { status, statuses } = await examine(["--broker", await brokerFor(t, { authorize: () => ({}) })]);

    assert.equal(status, 0);
    assert.deepEqual(statuses, { broker: "warning" });
  });

  test("whose header is removed by a proxy is a CORS failure", async (t) => {
    const broker = await brokerFor(t, { allowedOrigins: [ORIGIN] });
    const proxy = await serve(t, async (request, response) => {
      const { method = "", headers } = request;
      const form = { "content-type": "application/x-www-form-urlencoded", origin: `${headers.origin}` };
      const { status } = await fetch(broker, { method, headers: form });
      response.writeHead(status).end();
    });

    const { status, checks } = await examine(["--broker", proxy, "--origin", ORIGIN]);

    assert.equal(status, 1);
    assert.equal(checks.cors.code, "cors");
  });

  test("that cannot get a token refers to onError; an HTML page in its place is not a broker", async (t) => {
    const failing = await brokerFor(t, {
      authorize: () => {
        throw new Error(WRONG);
      },
    });
    const page = await serve(t, answer("text/html", "<!doctype html>"));

    const broken = await examine(["--broker", failing]);
    const other = await examine(["--broker", page]);

    assert.match(broken.checks.broker.remedy, /onError/);
    assert.match(other.checks.broker.message, /an HTML page/);
    assert.deepEqual([broken.status, other.status], [1, 1]);
  });
});

describe("a page", () => {
  const HTML = "<!doctype html><title>Shop</title>";

  test("without 'wasm-unsafe-eval' is a failure with the directive to add", async (t) => {
    const policy = "default-src 'self'; script-src 'self' 'nonce-abc'";
    const url = await serve(t, answer("text/html", HTML, 200, { "content-security-policy": policy }));

    const { status, checks } = await examine(["--page", url]);

    assert.equal(status, 1);
    assert.equal(checks["csp wasm"].code, "wasm_blocked");
    assert.match(checks["csp wasm"].remedy, /`script-src 'nonce-…' 'self' 'wasm-unsafe-eval'`/);
  });

  test("whose connect-src lacks the endpoint or the broker is a failure with the origin to add", async (t) => {
    const policy = "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' https://api.example";
    const url = await serve(t, answer("text/html", HTML, 200, { "content-security-policy": policy }));
    const endpoint = await serve(t, answer("application/json", '{"data":{}}', 200));

    const { status, checks } = await examine(["--page", url, "--endpoint", endpoint]);

    assert.equal(status, 1);
    assert.equal(checks["csp wasm"].status, "ok");
    assert.equal(checks["csp connect"].status, "failure");
    assert.ok(checks["csp connect"].remedy.includes(` ${endpoint}`));
    assert.equal(checks["api cors"].status, "failure");
  });

  test("with a policy in its HTML, or with none, is checked against that", async (t) => {
    const meta = `<meta http-equiv="Content-Security-Policy" content="script-src 'self'">`;
    const strict = await serve(t, answer("text/html", `<!doctype html><head>${meta}`));
    const open = await serve(t, answer("text/html", HTML));

    const [blocked, allowed] = await Promise.all([examine(["--page", strict]), examine(["--page", open])]);

    assert.equal(blocked.checks["csp wasm"].status, "failure");
    assert.equal(allowed.checks["csp wasm"].status, "ok");
  });

  test("that does not exist is a failure", async (t) => {
    const url = await serve(t, answer("text/html", HTML, 404));

    const { status, checks } = await examine(["--page", url]);

    assert.equal(status, 1);
    assert.match(checks.page.message, /HTTP 404/);
  });
});
