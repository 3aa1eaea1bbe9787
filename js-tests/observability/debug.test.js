// The option `debug`, the variable GTM_DEBUG, and warnings that no listener receives.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenError } from "graphql-token-manager";

import { run } from "../support/child.js";
import { fluz, managerFor, sharedSandbox } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { within } from "../support/waiting.js";
import { SECRETS, planted, storeWithLease } from "./support.js";

/** Returns the steps of lines, without the time and the fields. @param {string[]} lines */
const stepsOf = (lines) =>
  lines.map((line) => /graphql-token-manager: ([a-z ]+?)(?= \w+=|$)/.exec(line)?.[1]);

test("a function receives one line for each step, in order", async (t) => {
  /** @type {string[]} */
  const lines = [];
  const rejects = { token: "" };
  const debug = (/** @type {string} */ line) => lines.push(line);
  const tokens = planted(t, { debug, store: storeWithLease() }, { rejects });

  rejects.token = await tokens.getToken();
  assert.deepEqual(stepsOf(lines.splice(0)), [
    "store read",
    "lease taken",
    "store read",
    "grant sent",
    "grant answered",
    "store written",
    "lease released",
    "token",
  ]);

  await tokens.fetch("https://acme.test/graphql");
  const after = stepsOf(lines.splice(0));
  assert.equal(after[0], "rejected");
  assert.equal(after.at(-1), "replayed");

  await tokens.clear();
  await tokens.close();
  assert.ok(stepsOf(lines).includes("cleared"));
  assert.equal(stepsOf(lines).at(-1), "close");
});

test("lines have the time, the session, the reason, durations and codes", async (t) => {
  /** @type {string[]} */
  const lines = [];
  let isFirst = true;
  const grant = () => {
    if (!isFirst) return { accessToken: "planted-token", expiresInMs: 60_000 };
    isFirst = false;
    throw new TokenError("rate_limited", "later", { status: 429 });
  };
  const tokens = planted(t, { debug: (/** @type {string} */ line) => lines.push(line) }, { grant });
  await tokens.session({ userId: "u1" }).getToken();

  for (const line of lines) assert.match(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z graphql-token-manager: [^\n]+$/);
  const line = (/** @type {string} */ step) => lines.find((text) => text.includes(`: ${step} `)) ?? "";
  assert.match(
    line("grant sent"),
    /session=\{"userId":"u1"\} presents=credentials reason=initial attempt=1$/,
  );
  assert.match(line("grant failed"), /code=rate_limited status=429 .*durationMs=\d+/);
  assert.match(line("retry"), /code=rate_limited attempt=2 delayMs=\d+$/);
  assert.match(lines.filter((text) => text.includes("grant sent"))[1] ?? "", /attempt=2$/);
});

test("a planned refresh is reported with its time, and so is an evicted session", async (t) => {
  /** @type {string[]} */
  const lines = [];
  const debug = (/** @type {string} */ line) => lines.push(line);
  const tokens = planted(t, { debug, refresh: "always", sessions: { max: 1 } });
  await tokens.getToken();
  const planned = lines.find((line) => line.includes("refresh planned")) ?? "";
  const [, at = ""] = /refreshAt=(\S+)/.exec(planned) ?? [];
  assert.ok(Date.parse(at) > Date.now());

  await tokens.session({ userId: "u1" }).getToken();
  await tokens.session({ userId: "u2" }).getToken();
  assert.ok(stepsOf(lines).includes("evicted"));
});

test("lines have no token, no secret, no address, and no value of a selector whose meaning is unknown", async (t) => {
  /** @type {string[]} */
  const lines = [];
  const rejects = { token: "" };
  const debug = (/** @type {string} */ line) => lines.push(line);
  const tokens = planted(t, { debug, store: storeWithLease() }, { rejects });
  rejects.token = await tokens.getToken();
  await tokens.fetch("https://acme.test/graphql?key=planted-key");
  await tokens.session({ password: "planted-password", other: "x\ny" }).getToken();
  tokens.invalidate(await tokens.getToken());
  await tokens.refresh();
  await tokens.close();

  assert.ok(lines.length > 20);
  for (const secret of SECRETS) assert.ok(!lines.join("\n").includes(secret), secret);
  for (const line of lines) assert.ok(!line.includes("\n"));
});

test("lines about a provider have none of its secrets, also where grants fail", async (t) => {
  const sandbox = await sharedSandbox(t);
  /** @type {string[]} */
  const lines = [];
  const debug = (/** @type {string} */ line) => lines.push(line);
  const tokens = managerFor(t, fluz(sandbox, { debug }));
  const token = await tokens.getToken();
  sandbox.fault({ kind: "status", status: 500, times: 5 });
  await assert.rejects(tokens.refresh());

  assert.ok(stepsOf(lines).includes("error"));
  assertHoldsNone(lines, [...secretsOf(sandbox), token]);
});

test("a function that throws or calls the manager changes nothing", async (t) => {
  let calls = 0;
  const debug = () => {
    calls++;
    tokens.status();
    tokens.peek();
    void tokens.getToken().catch(() => {});
    throw new Error("planted");
  };
  const tokens = planted(t, { debug, store: storeWithLease() });

  assert.equal(await tokens.getToken(), "planted-token-1");
  assert.ok(calls > 5);
});

test("a function that closes the manager ends a call with `closed`", async (t) => {
  const tokens = planted(t, { debug: () => void tokens.close(), store: storeWithLease() });

  await assert.rejects(tokens.getToken(), { code: "closed" });
});

test("`true` prints by console.debug, and `false` nothing", async (t) => {
  const print = t.mock.method(console, "debug", () => {});
  await planted(t, { debug: false }).getToken();
  assert.equal(print.mock.callCount(), 0);

  await planted(t, { debug: true }).getToken();
  assert.ok(print.mock.callCount() > 1);
});

test("another value is rejected", async (t) => {
  for (const debug of [1, "yes", {}, null]) {
    await assert.rejects(planted(t, { debug }).ready(), { code: "invalid_options" });
  }
});

/** A program that gets a token. @param {string} options */
const program = (options = "") => `
  import { TokenManager } from "graphql-token-manager";
  const grant = () => ({ accessToken: "planted-token", expiresInMs: 60_000 });
  const provider = { name: "acme", endpoint: "https://acme.test/graphql", grant };
  for (const [name, value] of Object.entries(given)) process.env[name] = value;
  const tokens = new TokenManager({ provider, ${options} });
  tokens.on("token", () => { throw new Error("planted"); });
  await tokens.getToken();
  const other = new TokenManager({ provider, ${options} });
  other.on("token", () => { throw new Error("planted"); });
  await other.getToken();
`;

test("GTM_DEBUG prints to standard error, unless the option is given", async () => {
  const quiet = { NODE_ENV: "production" };
  const { stdout, stderr } = await run(program(), { given: { GTM_DEBUG: "1", ...quiet } });
  assert.equal(stdout, "");
  assert.match(stderr, /graphql-token-manager: grant answered/);
  assert.doesNotMatch(stderr, /planted/);

  for (const value of ["", "0", "false"]) {
    assert.equal((await run(program(), { given: { GTM_DEBUG: value, ...quiet } })).stderr, "", value);
  }
  const off = await run(program("debug: false"), { given: { GTM_DEBUG: "1", ...quiet } });
  assert.equal(off.stderr, "");
});

test("a warning without a listener is printed once for each code, and not in production", async () => {
  const { stdout, stderr } = await run(program(), { given: { NODE_ENV: "development" } });
  assert.equal(stdout, "");
  assert.equal(stderr.split("listener_failed").length, 2);

  const { stderr: inProduction } = await run(program(), { given: { NODE_ENV: "production" } });
  assert.equal(inProduction, "");
});

test("a function may call any method at any step", async (t) => {
  let seed = 1;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  /** @type {Set<unknown>} */
  const codes = new Set();
  const collect = (/** @type {any} */ reason) => void codes.add(reason.code);
  for (let round = 0; round < 50; round++) {
    let left = 12;
    const debug = () => {
      if (random() < 0.5 || left-- <= 0) return;
      const session = [tokens, tokens.session({ userId: "a" }), tokens.session({ userId: "b" })][
        Math.floor(random() * 3)
      ];
      const calls = [
        () => session?.getToken(),
        () => session?.refresh(),
        () => session?.clear(),
        () => session?.close(),
        () => session?.status(),
        () => session?.invalidate("planted-token-1"),
      ];
      const result = /** @type {any} */ (calls[Math.floor(random() * calls.length)]?.());
      result?.catch?.(collect);
    };
    const store = random() < 0.5 ? storeWithLease() : undefined;
    const tokens = planted(t, { debug, store, sessions: { max: 2 } });
    const pending = [tokens.getToken(), tokens.session({ userId: "a" }).getToken(), tokens.refresh()];
    for (const result of await within(Promise.allSettled(pending), "the calls"))
      if (result.status === "rejected") collect(result.reason);
    await tokens.close();
  }

  assert.deepEqual([...codes], ["closed"]);
});
