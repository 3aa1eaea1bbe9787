// The warning `many_managers`: live managers of one identity in one realm.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { TokenManager } from "graphql-token-manager";

import { run } from "../support/child.js";
import { acmeProfile, fluz, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";

/** @import { TestContext } from "node:test" */

/** Maximum number of live managers without a warning. */
const MANY = 16;

/**
 * Creates managers and uses each of them, sequentially.
 * @param {TestContext} t
 * @param {(place: number) => object} optionsOf
 * @param {number} count
 * @param {object} [how]
 * @param {typeof TokenManager} [how.of]
 * @param {(tokens: TokenManager) => Promise<unknown>} [how.use]
 */
async function managers(t, optionsOf, count, { of = TokenManager, use = (tokens) => tokens.ready() } = {}) {
  /** @type {any[]} */
  const warnings = [];
  /** @type {TokenManager[]} */
  const made = [];
  for (let place = 0; place < count; place++) {
    const tokens = new of(/** @type {any} */ (optionsOf(place)));
    t.after(() => tokens.close());
    tokens.on("warning", (warning) => warnings.push(warning));
    made.push(tokens);
    await use(tokens);
  }
  return { made, warnings };
}

test("many_managers is reported once for each identity, by the first manager over the limit", async (t) => {
  const sandbox = await sandboxFor(t);
  const { made, warnings } = await managers(t, () => fluz(sandbox), MANY);
  assert.deepEqual(warnings, []);

  const { warnings: ofSame } = await managers(t, () => fluz(sandbox), 5);
  const { warnings: ofOther } = await managers(t, () => fluz(sandbox, { identity: "other" }), MANY + 1);

  assert.deepEqual(
    [...ofSame, ...ofOther].map(({ type, code }) => `${type} ${code}`),
    ["warning many_managers", "warning many_managers"],
  );
  assertHoldsNone([ofSame, ofOther], secretsOf(sandbox));
  assert.equal(sandbox.requests().length, 0);
  for (const tokens of made) await tokens.getToken();
});

test("many_managers does not count closed managers, nor shared ones that are replaced repeatedly", async (t) => {
  const sandbox = await sandboxFor(t);
  /** @type {any[]} */
  const warnings = [];
  for (let place = 0; place < 3 * MANY; place++) {
    const closed = new TokenManager(/** @type {any} */ (fluz(sandbox)));
    const options = fluz(sandbox, { lifetimeMs: 1000 * (place + 1) });
    const shared = TokenManager.shared("many-managers", /** @type {any} */ (options));
    for (const tokens of [closed, shared]) tokens.on("warning", (warning) => warnings.push(warning));
    await Promise.all([closed.ready(), shared.ready()]);
    await closed.close();
    if (place === 3 * MANY - 1) await shared.close();
  }

  assert.deepEqual(warnings, []);
});

test("many_managers does not count sessions, other users and unused managers", async (t) => {
  const sandbox = await sandboxFor(t);
  const user = (/** @type {number} */ place) => `6f1d3f0e-8f0b-4c53-9d0a-${`${place}`.padStart(12, "0")}`;
  const unused = Array.from({ length: 3 * MANY }, () => new TokenManager(/** @type {any} */ (fluz(sandbox))));

  const { made, warnings } = await managers(t, (place) => fluz(sandbox, { userId: user(place) }), 2 * MANY);
  const sessions = Array.from({ length: 2 * MANY }, (_, place) => made[0]?.session({ userId: user(place) }));
  await Promise.all(sessions.map((session) => session?.getToken()));

  assert.deepEqual(warnings, []);
  assert.equal(unused.length, 3 * MANY);
});

test("many_managers counts managers that differ only in scopes, and those of other copies of the package", async (t) => {
  const sandbox = await sandboxFor(t);
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve("graphql-token-manager/package.json"));
  const { TokenManager: OfCopy } = require(join(folder, "dist/index.cjs"));
  const optionsOf = (/** @type {number} */ place) =>
    fluz(sandbox, { scopes: place % 2 === 0 ? ["LIST_OFFERS"] : ["LIST_PAYMENT"] });

  const first = await managers(t, optionsOf, MANY / 2);
  const ofCopy = await managers(t, optionsOf, MANY / 2 + 1, { of: OfCopy });

  assert.equal(first.warnings.length, 0);
  assert.deepEqual(
    ofCopy.warnings.map(({ code }) => code),
    ["many_managers"],
  );
});

test("many_managers is deferred until a manager has a listener", async (t) => {
  const sandbox = await sandboxFor(t);
  const silent = Array.from({ length: 2 * MANY }, () => new TokenManager(/** @type {any} */ (fluz(sandbox))));
  t.after(() => Promise.all(silent.map((tokens) => tokens.close())));
  await Promise.all(silent.map((tokens) => tokens.ready()));

  const { warnings } = await managers(t, () => fluz(sandbox), 2);

  assert.deepEqual(
    warnings.map(({ code }) => code),
    ["many_managers"],
  );
});

test("many_managers compares the values of secret functions once they were called", async (t) => {
  const sandbox = await sandboxFor(t);
  const { variables, ...operation } = acmeProfile(sandbox).authenticate;
  const optionsOf = (/** @type {string} */ value) => {
    const authenticate = { ...operation, variables: { ...variables, secret: () => value } };
    return { provider: acmeProfile(sandbox, { authenticate }), retry: { attempts: 1 } };
  };
  const use = (/** @type {TokenManager} */ tokens) => tokens.getToken().catch(() => {});

  const unlike = await managers(t, (place) => optionsOf(`another ${place}`), MANY + 1, { use });
  const alike = await managers(t, () => optionsOf(variables.secret()), MANY + 1, { use });

  assert.deepEqual([unlike.warnings.length, alike.warnings.length], [0, 1]);
});

test("many_managers is not reported if a function holds the credentials, unless `identity` is set", async (t) => {
  const grant = () => ({ accessToken: "a-token", expiresInMs: 60_000 });
  const provider = { name: "acme", endpoint: "https://acme.test", grant };
  const use = (/** @type {TokenManager} */ tokens) => tokens.getToken();

  const unnamed = await managers(t, () => ({ provider }), 2 * MANY, { use });
  const named = await managers(t, () => ({ provider, identity: "one" }), 2 * MANY, { use });

  assert.deepEqual([unnamed.warnings.length, named.warnings.length], [0, 1]);
});

const PROGRAM = `const { TokenManager } = await import("graphql-token-manager");
  const codes = [];
  const grant = () => ({ accessToken: "a-token", expiresInMs: 60_000 });
  const make = async () => {
    const provider = { name: "acme", endpoint: "https://acme.test", grant };
    const tokens = new TokenManager({ provider, identity: "one" });
    tokens.on("warning", ({ code }) => codes.push(code));
    await tokens.getToken();
    return tokens;
  };`;

test("many_managers does not count collected managers, and their entries are removed", async () => {
  const program = `${PROGRAM}
    for (let place = 0; place < 40; place++) {
      await make();
      const ours = Object.getOwnPropertySymbols(globalThis).find((it) => /^graphql-token-manager@/.test(it.description));
      const { counts } = globalThis[ours];
      for (let turn = 0; turn < 200 && counts.size > 0; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        gc();
      }
      if (counts.size > 0) codes.push("it stays");
    }
    console.log(codes);`;

  const { stdout, stderr } = await run(program, { flags: ["--expose-gc"] });

  assert.deepEqual([stdout.trim(), stderr], ["[]", ""]);
});

test("many_managers is not reported without FinalizationRegistry, as collected managers would count forever", async () => {
  const program = `delete globalThis.FinalizationRegistry;
    delete globalThis.WeakRef;
    ${PROGRAM}
    const made = [];
    for (let place = 0; place < 40; place++) made.push(await make());
    console.log(codes, await made[0].getToken());`;

  const { stdout, stderr } = await run(program);

  assert.deepEqual([stdout.trim(), stderr], ["[] a-token", ""]);
});
