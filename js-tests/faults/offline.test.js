// Offline devices and aborted refreshes: neither discards a token or a refresh token.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, recordingFetch, sandboxFor } from "../support/setup.js";
import { simulatedTime } from "../support/simulated-time.js";
import { failure, next, until } from "../support/waiting.js";
import { APIS, NAMES, RETRY, accepts, asked } from "./providers.js";

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
