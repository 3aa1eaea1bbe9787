// Common problems of token libraries, in the words of their users, as far as they concern one manager.
//
// Not covered here: concurrent refreshes in tabs that invalidate each other's token, orphaned locks, shared caches and
// their keys (stores), a token of another identity (sessions), the replay of rejected operations and its loops
// (`fetch`, `request`), storing a changed token (stores; the `token` event reports it). Problems of the package itself
// are covered by js-tests/packaging and js-tests/sandbox: service workers and server rendering, size, module formats,
// test kits, bundlers, engines that forbid WebAssembly.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { managerFor, recordingFetch, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure, next, record, until } from "../support/waiting.js";
import { APIS, NAMES, RETRY, accepts, asked } from "./providers.js";

/**
 * Symptoms that other tests cover, with the title of the test or the common part of several titles.
 *
 * @type {[symptom: string, file: string, title: string][]}
 */
const ELSEWHERE = [
  [
    "a listener that calls the library does not deadlock it",
    "faults/ending.test.js",
    "may call any method, again and again",
  ],
  [
    "parallel calls are one token request",
    "api/callers.test.js",
    "a thousand callers before the first grant cause one grant",
  ],
  [
    "a failure starts no refresh storm",
    "faults/retry.test.js",
    "for an hour of calls cost it a request or three a minute",
  ],
  [
    "Retry-After is not ignored",
    "faults/retry.test.js",
    "rejects callers at once, tells how long, and neither calls nor the timer",
  ],
  [
    "a wrong device clock neither loops nor sends expired tokens",
    "faults/clock-grid.alone.test.js",
    "causes neither a storm nor a refused call",
  ],
  [
    "timers that are late after sleep serve no expired token",
    "faults/sleep.test.js",
    "and a wall clock that is set back serve no expired token",
  ],
  [
    "a tab in the background wakes up with a token",
    "faults/browser.test.js",
    "has a token refreshed whose timer never fired",
  ],
  [
    "a lifetime beyond setTimeout is no tight loop",
    "faults/sleep.test.js",
    "a timer waits for 24.8 days at most, and is set again",
  ],
  [
    "a refresh token that the server omits is not lost",
    "faults/rotation.test.js",
    "one that the answer leaves out is kept",
  ],
  [
    "aborting one request does not fail the others",
    "api/callers.test.js",
    "rejects that caller alone with the identical reason",
  ],
  ["an auth error inside HTTP 200 is seen", "faults/expectations.js", "200 with Fluz's AUTH-0008"],
  ["the queue is rejected when the refresh fails", "faults/cell.js", "one error for all who waited"],
  [
    "a token that lacks a scope is told from one that has it",
    "api/callers.test.js",
    "reject with insufficient_scope and name what is missing",
  ],
  [
    "secrets and tokens are in no log and no error",
    "faults/leaks.test.js",
    "in errors, events, status and manager, whatever went wrong",
  ],
  ["managers that are dropped do not pile up", "faults/ending.test.js", "leave no timer, and no token"],
  ["a process or a test run exits", "api/process.test.js", "a program ends by itself"],
  [
    "what happens can be observed",
    "api/events.test.js",
    "tells the reason, the end and the scopes, for each reason",
  ],
];

test("the symptoms that other tests prove are still proven there", async () => {
  for (const [symptom, file, title] of ELSEWHERE) {
    const text = await readFile(new URL(`../${file}`, import.meta.url), "utf8");

    assert.ok(text.includes(title), `${symptom}: ${file} has no test called "${title}"`);
  }
});

const HOUR = 3_600_000;

describe("going offline does not log the user out:", () => {
  for (const name of NAMES) {
    test(`${name} hands out the token held to its end, and goes on when the network is back`, async (t) => {
      const clock = simulatedTime(t);
      const sandbox = await sandboxFor(t, { now: clock.now, lifetimes: { fluz: HOUR, acme: HOUR } });
      const lifetimeMs = name === "acme" ? undefined : HOUR;
      const tokens = managerFor(t, APIS[name].options(sandbox, { retry: RETRY, lifetimeMs }));
      const held = await tokens.getToken();
      const online = sandbox.fault({ kind: "drop" });

      // Three minutes offline, during which the refresh is due and fails.
      clock.advance(57 * 60_000);
      const failed = next(tokens, "error");
      const meanwhile = [await tokens.getToken()];
      const { tokenStillValid, error } = await failed;
      clock.advance(2 * 60_000);
      meanwhile.push(await tokens.getToken());
      await until(() => !tokens.status().refreshing, "it gave up again");
      clock.advance(90_000);
      const offline = await failure(tokens.getToken());
      online();
      clock.advance(60_000);
      const token = await tokens.getToken();

      assert.deepEqual([...new Set(meanwhile)], [held]);
      assert.deepEqual([error.code, tokenStillValid, offline.code], ["network", true, "network"]);
      assert.ok(await accepts(sandbox, name, token));
    });
  }

  test("a network that comes and goes costs no caller an error while a token is good", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 10_000 } });
    const tokens = managerFor(t, APIS.fluz.options(sandbox, { refreshWindow: 0.9, retry: RETRY }));
    await tokens.getToken();
    const events = record(tokens);

    for (let blip = 0; blip < 2; blip++) {
      const when = blip === 0 ? "before" : "after";
      for (const operation of [APIS.fluz.refresh, APIS.fluz.grant]) {
        sandbox.fault({ kind: "drop", when, operation, times: 1 });
      }
      const renewed = next(tokens, "token");
      while (events.filter(({ type }) => type === "token").length <= blip) {
        assert.ok(await accepts(sandbox, "fluz", await tokens.getToken()));
      }
      await renewed;
    }

    assert.ok(!events.some(({ type }) => type === "error" || type === "expired"));
  });
});

describe("aborting a refresh does not burn the rotated token:", () => {
  for (const name of /** @type {const} */ (["fluz", "acme"])) {
    test(name, async (t) => {
      const sandbox = await sandboxFor(t);
      const fetch = recordingFetch();
      const tokens = managerFor(t, APIS[name].options(sandbox, { fetch }));
      const first = await tokens.getToken();
      sandbox.fault({ kind: "delay", ms: 50, when: "after", times: 1 });
      const abort = new AbortController();
      const landed = next(tokens, "token");

      const aborted = tokens.refresh({ signal: abort.signal }).catch((reason) => reason);
      await until(() => fetch.requests.length === 2, "the refresh token was presented");
      abort.abort("enough");
      const reason = await aborted;
      await landed;
      const second = await tokens.getToken();
      const { value } = await tokens.refresh();

      assert.equal(reason, "enough");
      assert.equal(new Set([first, second, value]).size, 3);
      assert.ok(await accepts(sandbox, name, value));
      assert.deepEqual(
        asked(sandbox, name).filter((operation) => operation === APIS[name].grant),
        [APIS[name].grant],
        "the rotated refresh token was kept",
      );
    });
  }
});

describe("a call for a token does not hang on a bad network:", () => {
  /** @type {[title: string, body: () => ReadableStream][]} */
  const bodies = [
    ["that sends nothing", () => new ReadableStream()],
    [
      "that trickles",
      () =>
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 10));
            controller.enqueue(new Uint8Array([32]));
          },
        }),
    ],
  ];
  for (const [title, body] of bodies) {
    test(title, async (t) => {
      const fetch = async () => new Response(body());
      const timing = { timeoutMs: 60, retry: { ...RETRY, attempts: 2 } };
      const tokens = managerFor(t, APIS.toggle.options(await sandboxFor(t), { fetch, ...timing }));

      const error = await failure(tokens.getToken());

      assert.deepEqual([error.code, error.attempts], ["timeout", 2]);
    });
  }
});

test("not everyone refreshes in the same second", async (t) => {
  const sandbox = await sandboxFor(t, { lifetimes: { braintree: HOUR } });
  const managers = Array.from({ length: 60 }, () => managerFor(t, APIS.braintree.options(sandbox)));

  await Promise.all(managers.map((tokens) => tokens.getToken()));

  const moments = managers.map((tokens) => Number(tokens.status().refreshAt));
  const spread = Math.max(...moments) - Math.min(...moments);
  // The window of five minutes is widened by up to thirty seconds.
  assert.ok(spread > 20_000 && spread < 60_000, `${spread} ms`);
  const seconds = new Set(moments.map((at) => Math.floor(at / 1_000)));
  assert.ok(seconds.size > 15, `${seconds.size} different seconds`);
});

test("a hundred thousand calls leave nothing behind", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, APIS.fluz.options(sandbox));
  const gate = sandbox.fault({ kind: "delay", ms: 200 });
  const abort = new AbortController();
  const aborted = Array.from({ length: 1_000 }, () =>
    tokens.getToken({ signal: abort.signal }).catch(() => "aborted"),
  );
  abort.abort();
  gate();

  const ends = await Promise.all(aborted);
  const got = new Set();
  for (let call = 0; call < 100_000; call++) got.add(await tokens.getToken());

  assert.deepEqual([...new Set(ends)], ["aborted"]);
  assert.equal(got.size, 1);
  assert.equal(sandbox.requests().length, 1);
});
