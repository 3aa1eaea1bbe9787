// `TokenManager.shared`: one manager for a module that is evaluated several times in one process.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { TokenManager } from "graphql-token-manager";

import { fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { failure } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { TokenManagerOptions } from "graphql-token-manager" */

let last = 0;

/**
 * Returns options for the sandbox's Fluz.
 *
 * @param {import("graphql-token-manager/testing").Sandbox} sandbox @param {object} [more]
 */
const options = (sandbox, more) =>
  /** @type {TokenManagerOptions} */ (/** @type {unknown} */ (fluz(sandbox, more)));

/** Returns a unique key. Its manager is closed after the test. @param {TestContext} t */
function keyFor(t) {
  const key = `shared-${++last}`;
  t.after(() => TokenManager.shared(key, /** @type {any} */ ({ provider: "toggle" })).close());
  return key;
}

test("the same key and options return the same manager, also from another copy of the package", async (t) => {
  const sandbox = await sandboxFor(t);
  const key = keyFor(t);
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("graphql-token-manager/package.json"));
  const copy = require(join(folder, "dist/index.cjs"));

  const first = TokenManager.shared(key, options(sandbox));
  const again = TokenManager.shared(key, options(sandbox));
  const ofCopy = copy.TokenManager.shared(key, options(sandbox));

  assert.equal(again, first);
  assert.equal(ofCopy, first);
  assert.notEqual(TokenManager.shared(keyFor(t), options(sandbox)), first);
  await Promise.all([first.getToken(), again.getToken(), ofCopy.getToken()]);
  assert.equal(sandbox.requests().length, 1);
});

test("options that differ at any depth close the manager and replace it", async (t) => {
  const sandbox = await sandboxFor(t);
  const key = keyFor(t);
  const changes = [{}, { scopes: ["LIST_PAYMENT"] }, { headers: { "x-tenant": "7" } }, { lifetimeMs: 1000 }];
  const managers = changes.map((change) => TokenManager.shared(key, options(sandbox, change)));

  assert.equal(new Set(managers).size, changes.length);
  for (const replaced of managers.slice(0, -1)) {
    assert.equal((await failure(replaced.getToken())).code, "closed");
  }
  await managers.at(-1)?.getToken();
});

test("a closed manager is replaced", async (t) => {
  const sandbox = await sandboxFor(t);
  const key = keyFor(t);
  await TokenManager.shared(key, options(sandbox)).close();

  await TokenManager.shared(key, options(sandbox)).getToken();

  assert.equal(sandbox.requests().length, 1);
});

test("functions and stores are not compared: they require `identity`, which is compared instead", async (t) => {
  const sandbox = await sandboxFor(t);
  const key = keyFor(t);
  const { password, ...known } = /** @type {any} */ (toggle(sandbox));
  const store = () => ({ get: () => undefined, set: () => {}, delete: () => {} });
  const evaluated = (/** @type {object} */ more) =>
    TokenManager.shared(key, { ...known, password: () => password, store: store(), ...more });

  for (const more of [{}, { store: undefined }, { password, store: new Map() }]) {
    assert.throws(() => evaluated(more), { code: "invalid_options" });
  }
  const first = evaluated({ identity: "one" });
  assert.equal(evaluated({ identity: "one" }), first);
  assert.notEqual(evaluated({ identity: "two" }), first);
  assert.equal((await failure(first.getToken())).code, "closed");
});

test("a key is a non-empty string", () => {
  for (const key of [undefined, "", 7, {}]) {
    const make = () => TokenManager.shared(/** @type {any} */ (key), /** @type {any} */ ({}));
    assert.throws(make, { code: "invalid_options" });
  }
});

test("invalid options are reported by the methods, as for any manager", async (t) => {
  const manager = TokenManager.shared(keyFor(t), /** @type {any} */ ({ provider: "acme" }));

  assert.equal((await failure(manager.ready())).code, "invalid_options");
});

test("grants and requests bypass caches behind `fetch`", async (t) => {
  const sandbox = await sandboxFor(t);
  /** @type {unknown[]} */
  const modes = [];
  /** @type {typeof globalThis.fetch} */
  const watching = (url, init) => {
    modes.push(init?.cache);
    return fetch(url, init);
  };
  const tokens = managerFor(t, options(sandbox, { fetch: watching }));

  await tokens.request("{ getOffers { offerId } }");
  await tokens.refresh();
  await tokens.grantedScopes();
  await tokens.fetch(sandbox.fluz.endpoint, { method: "POST", body: "{}", cache: "force-cache" });

  assert.deepEqual(modes, ["no-store", "no-store", "no-store", "no-store", "force-cache"]);
});
