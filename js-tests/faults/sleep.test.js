// Suspended devices, timers that fire late or never, and lifetimes beyond the maximum delay of a timer.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { NAMES } from "./providers.js";
import { onDevice } from "./device.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A prelude with a manager of each API and its events; the token lifetime is one hour. */
const MANAGERS = `
  const HOUR = 3_600_000;
  const hour = { fluz: HOUR, toggle: HOUR, braintree: HOUR, acme: HOUR };
  const sandbox = await startSandbox({ now: given.server === "true" ? device.real : device.now, lifetimes: hour });
  const managers = given.names.map((name) => {
    const tokens = new TokenManager(APIS[name].options(sandbox, { lifetimeMs: name === "acme" ? undefined : HOUR }));
    return { name, tokens, events: record(tokens) };
  });
  const all = (act) => Promise.all(managers.map(act));
  const get = () => all(({ tokens }) => tokens.getToken());
  const accepted = (held) => all(({ name }, place) => accepts(sandbox, name, held[place]));
  const end = async () => {
    await all(({ tokens }) => tokens.close());
    await sandbox.close();
  };
`;

describe("a laptop after sleep", { concurrency: true }, () => {
  for (const [title, asleep] of [
    ["whose monotonic clock stopped meanwhile", "device.freeze(); device.jump(8 * HOUR);"],
    ["whose monotonic clock went on", "device.pass(8 * HOUR);"],
  ]) {
    test(`${title}: the next caller waits for a new token, once`, async () => {
      const result = await onDevice(
        `${MANAGERS}
        device.suspend();
        const before = await get();
        ${asleep}
        const peeked = managers.map(({ tokens }) => tokens.peek() === undefined);
        const states = managers.map(({ tokens }) => tokens.status().state);
        const after = await get();
        const good = await accepted(after);
        const log = managers.map(({ events }) => events.map(({ type, reason }) => reason ?? type));
        show({ same: before.filter((token, place) => token === after[place]), peeked, states, good, log,
          counts: sandbox.counts() });
        await end();`,
        { names: NAMES },
      );

      const each = (/** @type {unknown} */ value) => NAMES.map(() => value);
      assert.deepEqual(result.same, []);
      assert.deepEqual(result.peeked, each(true));
      assert.deepEqual(result.states, each("expired"));
      assert.deepEqual(result.good, each(true));
      assert.deepEqual(result.log, each(["initial", "expired", "expired"]));
      for (const name of NAMES) assert.equal(result.counts[name].grants + result.counts[name].refreshes, 2);
    });
  }
});

describe("timers that never fire", { concurrency: true }, () => {
  test("and a wall clock that is set back do not cause an expired token to be returned", async () => {
    const result = await onDevice(
      `${MANAGERS}
      device.suspend();
      await get();
      const good = [];
      for (let step = 0; step < 8; step++) {
        // Ten minutes pass, and by the wall clock a day is lost.
        device.pass(10 * 60_000);
        device.jump(-24 * HOUR);
        serverAhead += 24 * HOUR;
        const peeked = managers.map(({ tokens }) => tokens.peek()?.value);
        const held = await get();
        good.push(...(await accepted(held)));
        const shown = peeked.filter((token, place) => token !== undefined && token !== held[place]);
        if (shown.length > 0 && step !== 7) good.push(...(await accepted(managers.map((_, place) => peeked[place] ?? held[place]))));
      }
      show({ refused: good.filter((it) => !it).length, asked: good.length,
        most: Math.max(...Object.values(sandbox.counts()).map(({ grants, refreshes }) => grants + refreshes)) });
      await end();`
        .replace("device.now,", "() => device.now() + serverAhead,")
        .replace("const HOUR", "let serverAhead = 0;\n  const HOUR"),
      { names: NAMES },
    );

    assert.ok(result.asked >= 32);
    assert.equal(result.refused, 0);
    assert.ok(result.most <= 9, `${result.most} grants`);
  });
});

describe("a token that lives for sixty days", () => {
  test("is not refreshed at once: its timer waits for at most 24.8 days, and is armed again", async () => {
    const result = await onDevice(
      `const sandbox = await startSandbox({ now: device.now, lifetimes: { fluz: given.lifetime } });
      const tokens = new TokenManager(APIS.fluz.options(sandbox, { lifetimeMs: given.lifetime }));
      device.suspend();
      await tokens.getToken();
      const delays = [];
      while (sandbox.requests().length === 1 && delays.length < 10) {
        const [delay] = device.timers();
        delays.push(delay);
        device.pass(delay);
        device.fire();
        await device.sleep(60);
      }
      await until(() => tokens.status().grants === 2, "it was refreshed");
      show({ delays, events: sandbox.requests().length });
      await tokens.close();
      await sandbox.close();`,
      { lifetime: 60 * DAY },
    );

    const longest = 2 ** 31 - 1;
    assert.equal(result.events, 2);
    assert.deepEqual(result.delays.slice(0, 2), [longest, longest]);
    assert.equal(result.delays.length, 3);
    const whole = result.delays.reduce(
      (/** @type {number} */ sum, /** @type {number} */ delay) => sum + delay,
      0,
    );
    assert.ok(Math.abs(whole - (60 * DAY - 5 * MINUTE)) < MINUTE, `${whole}`);
  });
});
