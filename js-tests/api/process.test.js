// Whole programs: the resources that keep a process running, and those that do not.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { run } from "../support/child.js";
import { fluz, sandboxFor, unreachable } from "../support/setup.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";

/**
 * The common prelude of the programs. Timers of a second and more that are set after the last act, and would keep the
 * process running, are printed on standard error.
 */
const START = `
  import { TokenManager } from "graphql-token-manager";
  const long = new Map();
  const { setTimeout: setReal, clearTimeout: clearReal } = globalThis;
  globalThis.setTimeout = (callback, delay, ...rest) => {
    const goOff = (...args) => (long.delete(timer), callback(...args));
    const timer = setReal(goOff, delay, ...rest);
    if (delay >= 1_000) long.set(timer, delay);
    return timer;
  };
  globalThis.clearTimeout = (timer) => (long.delete(timer), clearReal(timer));
  const done = (what) => {
    console.log(what);
    setImmediate(() => {
      for (const [timer, delay] of long) {
        if (timer.hasRef()) console.error("held by a timer of " + delay + " ms");
      }
    });
  };
`;

/**
 * Asserts that a program exited by itself with the expected output, and that no timer kept it running after its last
 * act. Other resources, such as a pending response, would keep it running beyond the time limit of a program.
 * @param {{ status: number | null, stdout: string, stderr: string }} ended
 * @param {string} stdout
 */
function assertEnded({ status, stdout: printed, stderr }, stdout) {
  assert.deepEqual([status, printed.trim(), stderr], [0, stdout, ""]);
}

test("a program that waits for a sign-out does not exit while another holder has the store's lease", async (t) => {
  const sandbox = await sandboxFor(t);
  const program = `${START}
    let denied = 0;
    const store = { get() {}, set() {}, delete() {} };
    store.acquire = async () => (++denied < 3 ? undefined : { fence: 1, release: async () => {} });
    await new TokenManager({ ...given, store }).clear();
    done("signed out");`;

  assertEnded(await run(program, { given: fluz(sandbox) }), "signed out");
});

describe("a program exits by itself", { concurrency: true }, () => {
  test("if it created a manager and never used it", async (t) => {
    const sandbox = await sandboxFor(t);

    const ended = await run(`${START} done(typeof new TokenManager(given));`, { given: fluz(sandbox) });

    assertEnded(ended, "object");
    assert.equal(sandbox.requests().length, 0);
  });

  test("if its fake timers do not clear real ones", async (t) => {
    const sandbox = await sandboxFor(t);
    const program = `${START}
      const tokens = new TokenManager(given);
      await tokens.getToken();
      globalThis.clearTimeout = () => {};
      done(typeof (await tokens.refresh()));`;

    assertEnded(await run(program, { given: fluz(sandbox) }), "object");
  });

  test("if it has a token and did not close the manager", async (t) => {
    const sandbox = await sandboxFor(t);
    const program = `${START} done(typeof (await new TokenManager(given).getToken()));`;

    assertEnded(await run(program, { given: fluz(sandbox) }), "string");
  });

  test("if a token was renewed in the background", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 2_000 } });
    const program = `${START}
      const tokens = new TokenManager(given);
      await tokens.getToken();
      const busy = setTimeout(() => {}, 60_000);
      tokens.on("token", ({ reason }) => {
        clearTimeout(busy);
        done(reason);
      });`;

    assertEnded(await run(program, { given: fluz(sandbox) }), "proactive");
  });

  for (const call of ["tokens", 'tokens.session({ id: "ann" })']) {
    test(`after ${call}.revoke(), with another session open`, async () => {
      const program = `${START}
        const logout = { document: "mutation { logout }", variables: { t: "$accessToken" } };
        const login = { document: "mutation ($id: String) { login }", variables: { id: "me" } };
        const tokens = new TokenManager({
          provider: {
            name: "acme", endpoint: "https://acme.test/graphql", authenticate: login, revoke: logout,
            token: { data: "login" }, expiry: { lifetimeMs: 60_000 },
          },
          fetch: async () => Response.json({ data: { login: "token", logout: true } }),
        });
        await tokens.session({ id: "ann" }).getToken();
        await ${call}.revoke();
        done("revoked");`;

      assertEnded(await run(program, {}), "revoked");
    });
  }

  test("if its endpoint is unreachable", async (t) => {
    const sandbox = await sandboxFor(t);
    const program = `${START}
      new TokenManager(given).getToken().catch(({ code }) => done(code));`;

    const given = { ...fluz(sandbox), endpoint: await unreachable() };

    assertEnded(await run(program, { given }), "network");
  });

  test("if its token can no longer be refreshed", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 10_000 } });
    const program = `${START}
      const tokens = new TokenManager(given);
      await tokens.getToken();
      const busy = setTimeout(() => {}, 60_000);
      tokens.on("error", ({ tokenStillValid }) => {
        clearTimeout(busy);
        done(String(tokenStillValid));
      });`;

    const ended = run(program, { given: fluz(sandbox, { refreshWindow: 0.9 }) });
    await until(() => sandbox.counts().fluz.grants === 1, "the program has its token");
    sandbox.fault({ kind: "status", status: 500 });

    assertEnded(await ended, "true");
  });

  test("if its manager was closed during a grant", async (t) => {
    const sandbox = await sandboxFor(t);
    sandbox.fault({ kind: "delay", ms: 2 * TEST_TIMEOUT_MS });
    const program = `${START}
      const tokens = new TokenManager({ ...given, fetch: (...request) => {
        setTimeout(() => tokens.close(), 20);
        return fetch(...request);
      } });
      tokens.getToken().catch(({ code }) => done(code));`;

    assertEnded(await run(program, { given: fluz(sandbox) }), "closed");
  });

  test("if its manager was closed while a secret is pending that never resolves", async (t) => {
    const sandbox = await sandboxFor(t);
    const program = `${START}
      const tokens = new TokenManager({ ...given, apiKey: () => {
        setTimeout(() => tokens.close(), 20);
        return new Promise(() => {});
      } });
      tokens.getToken().catch(({ code }) => done(code));`;

    assertEnded(await run(program, { given: fluz(sandbox) }), "closed");
  });

  test("if a response trickles forever and ignores its signal, once the request timed out", async (t) => {
    const sandbox = await sandboxFor(t);
    // It keeps the process running while it is being read.
    const program = `${START}
      const trickle = () => new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          controller.enqueue(new Uint8Array([32]));
        },
      });
      const tokens = new TokenManager({ ...given, fetch: async () => new Response(trickle()) });
      tokens.getToken().catch(({ code }) => done(code));`;

    const given = fluz(sandbox, { timeoutMs: 60, retry: { attempts: 1 } });

    assertEnded(await run(program, { given }), "timeout");
  });
});

describe("a program keeps running", { concurrency: true }, () => {
  test("while a caller waits for a retry", async (t) => {
    const sandbox = await sandboxFor(t);
    sandbox.fault({ kind: "status", status: 503, times: 2 });
    const program = `${START}
      new TokenManager(given).getToken().then((token) => done(typeof token));`;

    const given = fluz(sandbox, { retry: { baseMs: 150, maxMs: 300 } });

    assertEnded(await run(program, { given }), "string");
    assert.equal(sandbox.requests().length, 3);
  });

  test("with keepAlive, until the manager is closed", async (t) => {
    const sandbox = await sandboxFor(t, { lifetimes: { fluz: 2_000 } });
    const program = `${START}
      const tokens = new TokenManager(given);
      tokens.on("token", ({ reason }) => {
        if (reason === "initial") return;
        done(reason);
        tokens.close();
      });
      tokens.getToken();`;

    assertEnded(await run(program, { given: fluz(sandbox, { keepAlive: true }) }), "proactive");
    assert.deepEqual(sandbox.counts().fluz, { grants: 1, refreshes: 1, calls: 0, refused: 0, reused: 0 });
  });
});

describe("an unreferenced manager", () => {
  test("is collected, and its timer is cleared", async (t) => {
    const sandbox = await sandboxFor(t);
    const program = `${START}
      import { setTimeout as pause } from "node:timers/promises";
      // Timers of more than 400 s: the refresh of a token that lives for ten minutes, and nothing of Node's.
      const armed = new Set();
      const { setTimeout: set, clearTimeout: clear } = globalThis;
      globalThis.setTimeout = (callback, delay, ...rest) => {
        const timer = set(callback, delay, ...rest);
        if (delay > 400_000) armed.add(timer);
        return timer;
      };
      globalThis.clearTimeout = (timer) => {
        armed.delete(timer);
        clear(timer);
      };
      const use = async () => {
        const tokens = new TokenManager(given);
        await tokens.getToken();
        return new WeakRef(tokens);
      };
      const dropped = await use();
      const before = armed.size;
      for (let turn = 0; turn < 200 && armed.size > 0; turn++) {
        await pause(5);
        gc();
      }
      done([before, dropped.deref(), armed.size]);`;

    const ended = await run(program, { given: fluz(sandbox), flags: ["--expose-gc"] });

    assertEnded(ended, "[ 1, undefined, 0 ]");
    assert.equal(sandbox.requests().length, 1);
  });

  test("is retained while a caller waits for it", async (t) => {
    const sandbox = await sandboxFor(t);
    sandbox.fault({ kind: "delay", ms: 100 });
    const program = `${START}
      import { setTimeout as pause } from "node:timers/promises";
      let settled = false;
      const token = new TokenManager(given).getToken().finally(() => (settled = true));
      while (!settled) {
        gc();
        await pause(5);
      }
      done(typeof (await token));`;

    assertEnded(await run(program, { given: fluz(sandbox), flags: ["--expose-gc"] }), "string");
  });

  test("is retained while a caller waits for `ready()`", async () => {
    const program = `${START}
      import { setTimeout as pause } from "node:timers/promises";
      let settled = false;
      // Compiling is over too soon to be interrupted, so it is held up.
      const { compile } = WebAssembly;
      WebAssembly.compile = async (bytes) => {
        await pause(100);
        return compile(bytes);
      };
      const ready = new TokenManager({ provider: { name: "acme", endpoint: "https://acme.test", grant() {} } })
        .ready()
        .finally(() => (settled = true));
      while (!settled) {
        gc();
        await pause(5);
      }
      done(await ready);`;

    assertEnded(await run(program, { flags: ["--expose-gc"] }), "undefined");
  });
});
