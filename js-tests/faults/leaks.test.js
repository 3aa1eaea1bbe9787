// Secrets do not appear in anything that a program can print. `faults.test.js` has each fault, `api/access-token.test.js`
// what a token prints, and `src/graphql/tests` each response.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";

import { run } from "../support/child.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { fluz, managerFor, sandboxFor } from "../support/setup.js";
import { failure, record } from "../support/waiting.js";
import { APIS, NAMES, RETRY } from "./providers.js";

/** @import { TestContext } from "node:test" */

/**
 * Yields all strings in an error: its printed form, and each property along its prototypes and causes.
 * @param {any} error
 */
function* readings(error) {
  for (let cause = error; cause; cause = cause.cause) {
    yield inspect(cause, { showHidden: true, depth: Infinity });
    yield `${cause} ${cause.message} ${cause.stack} ${JSON.stringify(cause)}`;
    for (let proto = cause; proto && proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
      for (const key of Reflect.ownKeys(proto))
        yield `${String(key)} ${inspect(Reflect.get(proto, key, cause))}`;
    }
  }
}

describe("no secret is exposed", () => {
  test("if an API quotes secrets in its errors", async (t) => {
    const sandbox = await sandboxFor(t);
    const [key = "", pair = "", secret = "", password = "", ...others] = secretsOf(sandbox);
    const [clientSecret = "", client = "", acme = ""] = others;
    const held = {
      fluz: [key, pair, secret],
      toggle: [password, encodeURIComponent(password)],
      braintree: [clientSecret, client],
      acme: [acme, encodeURIComponent(acme)],
    };
    for (const name of NAMES) {
      // A request does not have the secrets of another API, so they cannot be recognized in its response.
      const secrets = held[name];
      for (const status of [200, 400, 401, 429, 500]) {
        const quote = secrets.join(" ");
        const extensions = { code: secrets[0], requestId: quote, errorClass: secrets[1] };
        const body = JSON.stringify({
          data: { [quote]: null },
          errors: [{ message: quote, extensions }],
          extensions,
        });
        const tokens = managerFor(t, APIS[name].options(sandbox, { retry: { ...RETRY, attempts: 1 } }));
        const events = record(tokens);
        sandbox.fault({ kind: "status", status, body, provider: name, times: 1 });

        const error = await failure(tokens.getToken());

        assertHoldsNone([error, ...readings(error), events, tokens.status()], secrets);
      }
    }
  });

  test("if a secret cannot be sent, or a function for it fails", async (t) => {
    const sandbox = await sandboxFor(t);
    const planted = "planted-secret";
    for (const [key, name] of /** @type {const} */ ([
      ["apiKey", "fluz"],
      ["password", "toggle"],
      ["clientSecret", "braintree"],
    ])) {
      for (const secret of [
        `${planted}\r\nx: y`,
        `${planted}\0`,
        `${planted} ☃ 𝒳`,
        `${planted}\ud800`,
        ` ${planted} `,
      ]) {
        for (const given of [
          secret,
          () => secret,
          async () => secret,
          () => Promise.reject(new Error(secret)),
        ]) {
          const tokens = managerFor(t, APIS[name].options(sandbox, { [key]: given, retry: { attempts: 1 } }));
          const events = record(tokens);

          const error = await failure(tokens.getToken());

          assertHoldsNone([error, ...readings(error), events, tokens.status()], [planted]);
        }
      }
    }
  });

  test("if fetch fails with a message that quotes the request", async (t) => {
    const sandbox = await sandboxFor(t);
    for (const name of NAMES) {
      const fetch = (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
        const quote = JSON.stringify([url, init]);
        const cause = Object.assign(new Error(quote), { code: quote, errors: [new Error(quote)] });
        return Promise.reject(Object.assign(new TypeError(quote, { cause }), { name: quote, code: quote }));
      };
      const tokens = managerFor(t, APIS[name].options(sandbox, { fetch, retry: RETRY }));
      const events = record(tokens);

      const error = await failure(tokens.getToken());

      assertHoldsNone([error, ...readings(error), events, tokens.status()], secretsOf(sandbox));
    }
  });
});

describe("output of a program", { concurrency: true }, () => {
  /**
   * @param {TestContext} t
   * @param {string} program
   */
  async function printed(t, program) {
    const sandbox = await sandboxFor(t);
    sandbox.fault({ kind: "status", status: 503, times: 2 });
    sandbox.fault({ kind: "drop", times: 1 });
    const given = fluz(sandbox, { retry: RETRY });
    const source = `import { TokenManager } from "graphql-token-manager"; import { inspect } from "node:util"; ${program}`;
    const ended = await run(source, { given, flags: ["--trace-warnings", "--throw-deprecation"] });
    assertHoldsNone([ended.stdout, ended.stderr], secretsOf(sandbox));
    return ended;
  }

  test("is empty while the manager fails, recovers, refreshes and closes", async (t) => {
    const { status, stdout, stderr } = await printed(
      t,
      `const tokens = new TokenManager(given);
      await tokens.getToken().catch(() => {});
      await tokens.refresh();
      tokens.invalidate(await tokens.getToken());
      await tokens.getToken();
      await tokens.close();
      await tokens.getToken().catch(() => {});`,
    );

    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  });

  test("has an uncaught error without a secret", async (t) => {
    const { status, stderr } = await printed(t, "await new TokenManager(given).getToken();");

    assert.equal(status, 1);
    assert.match(stderr, /TokenError/);
  });

  test("has no secret if the program logs every object", async (t) => {
    const { status, stdout } = await printed(
      t,
      `const tokens = new TokenManager(given);
      for (const type of ["token", "retry", "error", "warning"]) tokens.on(type, (event) => console.log(event));
      const error = await tokens.getToken().catch((error) => error);
      const token = await tokens.refresh();
      console.log(tokens, tokens.status(), error, token, [token], { token }, \`\${token}\`, JSON.stringify(token));
      console.dir(token, { showHidden: true, depth: null });
      console.table([token]);
      const lines = inspect([tokens, token, error], { showHidden: true, depth: Infinity, getters: false });
      if (lines.includes(token.value)) console.log("the token is seen");`,
    );

    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /eyJ|the token is seen/);
  });
});
