/**
 * Selectors and options: for any input, a constructor does not throw, errors are documented and do not expose values,
 * options are a snapshot, and a session never receives the token of another identity.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { TokenManager } from "graphql-token-manager";

import { number, oddText, text, tree } from "../generators.js";
import { SECRET, assertHidden, assertToken, settled } from "../oracles.js";

const UUID = "3f6e1e5e-5a77-4d29-9be7-6a3e0d3a7d11";
const LATE = "https://late.test";
const API = "https://api.test/graphql";

/** @type {Record<string, () => any>} */
const RIGHT = {
  fluz: () => ({
    provider: "fluz",
    endpoint: API,
    apiKey: SECRET,
    userId: UUID,
    accountId: UUID,
    scopes: ["LIST_OFFERS"],
  }),
  toggle: () => ({ provider: "toggle", endpoint: API, username: "user", password: SECRET }),
  braintree: () => ({
    provider: "braintree",
    endpoint: API,
    clientId: "id",
    clientSecret: SECRET,
    scopes: ["A"],
  }),
  broker: () => ({ provider: "broker", url: "https://api.test/token", endpoint: API }),
  profile: () => ({
    provider: {
      name: "acme",
      endpoint: API,
      authenticate: { document: "mutation { login }", variables: { a: { b: ["c", SECRET] } } },
      token: { data: ["login"] },
      expiry: { lifetimeMs: 60_000 },
    },
  }),
  grant: () => ({
    provider: { name: "acme", endpoint: API, grant: () => ({ accessToken: "tok.a", expiresInMs: 1e5 }) },
  }),
};

const TYPES = ["options.d.ts", "profile.d.ts", "store.d.ts"].map((file) =>
  readFileSync(new URL(`../../pkg-template/${file}`, import.meta.url), "utf8"),
);
/** The names of all options, and of the members of profiles and stores. */
const KEYS = [
  ...new Set([...TYPES.join("").matchAll(/^ +(\w+)\??[:(]/gm)].map(([, key = ""]) => key)),
  "debug",
];

/** Placeholders for values that JSON cannot represent. */
const special = fc.constantFrom(
  ...[
    "$undefined",
    "$nan",
    "$function",
    "$throwing",
    "$symbol",
    "$bigint",
    "$date",
    "$map",
    "$proxy",
    "$revoked",
  ],
  ...["$circular", "$getter", "$throwing getter", "$instance", "$bare"],
);
const leaf = fc.oneof(special, text, number, fc.constantFrom(SECRET, API, "x-header", true, null));
const path = fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 3 });

const identity = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom("a", "b", "1", 1, true, "true", "", "\ud800", "\ud801", "\ufffd", "null"),
  },
  { weight: 1, arbitrary: fc.oneof(oddText, special) },
);
const selector = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(
      fc.oneof(
        fc.tuple(
          fc.constantFrom("userId", "accountId", "tenant", "__proto__", "toString", "constructor"),
          identity,
        ),
        fc.tuple(fc.constant("scopes"), fc.subarray(["read", "write", "re", "ad"], { minLength: 1 })),
      ),
      { maxLength: 3 },
    ),
  },
  { weight: 1, arbitrary: special },
);

export const cases = fc.record({
  base: fc.constantFrom(...Object.keys(RIGHT)),
  changes: fc.array(fc.record({ path, value: fc.oneof(leaf, tree(KEYS, leaf)) }), { maxLength: 3 }),
  // Changes to the options after the manager was created.
  late: fc.constantFrom("addresses", "everything"),
  selectors: fc.array(selector, { minLength: 2, maxLength: 4 }),
});

/** @param {any} input */
export async function check({ base, changes, late, selectors }) {
  await withOptions(base, changes, late);
  await withSelectors(selectors);
}

/** @param {string} base @param {readonly { path: string[], value: any }[]} changes @param {string} late */
async function withOptions(base, changes, late) {
  const options = RIGHT[base]?.();
  for (const { path, value } of changes) put(options, path, revived(value));
  // An error thrown by a user-supplied `fetch` is exposed as the cause.
  if (typeof options.fetch === "function" && options.fetch.name === "$throwing")
    options.fetch = () => Promise.reject(new Error("thrown by fetch"));
  /** @type {string[]} */
  const asked = [];
  /** @param {unknown} url */
  const answer = async (url) => {
    asked.push(String(url));
    return new Response("{}", { status: 500 });
  };
  if (!changes.some(({ path }) => path[0] === "fetch")) options.fetch = answer;
  if (!changes.some(({ path }) => path[0] === "retry")) options.retry = { attempts: 1 };
  if (!changes.some(({ path }) => path[0] === "timeoutMs")) options.timeoutMs = 1_000;
  const tokens = new TokenManager(options);
  changeLater(options, late);
  try {
    const ready = await settled(() => tokens.ready());
    if (ready.error) assert.equal(ready.error.code, "invalid_options");
    if (changes.length === 0)
      assert.equal(ready.error, undefined, "right options were refused, or read too late");
    if (ready.error === undefined) {
      const { value } = await settled(() => tokens.getAccessToken());
      if (value) assertToken(value);
    }
    assertHidden(tokens.status());
    for (const url of asked)
      assert.ok(!url.startsWith(LATE), "an option that was changed later had an effect");
  } finally {
    await tokens.close();
  }
}

/** @param {readonly any[]} selectors */
async function withSelectors(selectors) {
  /** @type {any[]} */
  const grants = [];
  const provider = {
    name: "acme",
    endpoint: API,
    /** @param {any} asked */
    grant: ({ session, scopes }) => {
      grants.push({ session, scopes });
      return { accessToken: `tok.${grants.length}`, expiresInMs: 60_000 };
    },
  };
  const tokens = new TokenManager({
    provider,
    scopes: ["read"],
    refresh: "on-demand",
    retry: { attempts: 1 },
  });
  /** The identity of each token. @type {Map<string, string>} */
  const owners = new Map();
  try {
    for (const plan of selectors) {
      const chosen = Array.isArray(plan) ? members(plan) : revived(plan);
      const identity = Array.isArray(plan) ? canonical(plan) : ownMembers(plan, chosen);
      const { value, error } = await settled(async () => tokens.session(chosen).getToken());
      if (error) {
        assert.equal(error.code, "invalid_options");
        continue;
      }
      assert.ok(
        identity !== undefined,
        "something that has no members of its own was accepted as a selector",
      );
      const owner = owners.get(value ?? "") ?? identity;
      assert.equal(identity, owner, "two identities share a token");
      if (identity !== undefined) owners.set(value ?? "", identity);
    }
  } finally {
    await tokens.close();
  }
}

/** Builds a selector with own members only. @param {readonly [string, any][]} plan */
function members(plan) {
  const chosen = {};
  for (const [key, value] of plan) {
    Object.defineProperty(chosen, key, {
      value: revived(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return chosen;
}

/**
 * Returns the own members of a non-JSON object, or undefined if none can select a session.
 *
 * @param {string} plan @param {any} chosen
 */
function ownMembers(plan, chosen) {
  if (chosen === undefined) return canonical([]);
  return ["$proxy", "$getter", "$instance", "$bare"].includes(plan)
    ? canonical(Object.entries(chosen))
    : undefined;
}

/** Returns the key of an identity: its members without the scopes. @param {readonly [string, any][]} plan */
function canonical(plan) {
  const last = new Map(plan);
  last.delete("scopes");
  const sorted = [...last].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.map(([key, value]) => [key, typeof value, Object.is(value, -0) ? 0 : value]));
}

/** @param {any} object @param {readonly string[]} path @param {any} value */
function put(object, [first = "", ...rest], value) {
  if (rest.length === 0) object[first] = value;
  else {
    const inner = typeof object[first] === "object" && object[first] !== null ? object[first] : {};
    try {
      object[first] = inner;
      put(inner, rest, value);
    } catch {
      // A revoked proxy or a frozen object cannot be changed.
    }
  }
}

/** Changes the options in place: the strings that are URLs, or everything. @param {any} options @param {string} late */
function changeLater(options, late) {
  const seen = new Set();
  /** @param {any} object */
  const visit = (object) => {
    if (typeof object !== "object" || object === null || seen.has(object)) return;
    seen.add(object);
    try {
      for (const key of Object.keys(object)) {
        visit(object[key]);
        const isAddress = typeof object[key] === "string" && object[key].startsWith("https:");
        if (isAddress || (late === "everything" && key !== "fetch")) object[key] = `${LATE}/`;
      }
    } catch {
      // Frozen members cannot be changed.
    }
  };
  visit(options);
}

/** Replaces placeholders by their values, at any depth. @param {any} plan @returns {any} */
function revived(plan) {
  if (Array.isArray(plan)) return plan.map(revived);
  if (typeof plan === "object" && plan !== null) {
    return Object.fromEntries(Object.entries(plan).map(([key, value]) => [key, revived(value)]));
  }
  return Object.hasOwn(SPECIAL, plan) ? SPECIAL[plan]?.() : plan;
}

/** @type {Record<string, () => any>} */
const SPECIAL = {
  $undefined: () => undefined,
  $nan: () => Number.NaN,
  $function: () => () => SECRET,
  $throwing: () =>
    function $throwing() {
      throw new Error(SECRET);
    },
  $symbol: () => Symbol(SECRET),
  $bigint: () => 10n,
  $date: () => new Date(0),
  $map: () => new Map([["userId", "a"]]),
  $proxy: () => new Proxy({ userId: "a" }, {}),
  $revoked: () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  $circular: () => {
    /** @type {any} */
    const circular = {};
    circular.self = circular;
    return circular;
  },
  $getter: () => ({
    get userId() {
      return SECRET;
    },
  }),
  "$throwing getter": () => ({
    get userId() {
      throw new Error(SECRET);
    },
  }),
  $instance: () =>
    new (class User {
      userId = "a";
    })(),
  $bare: () => Object.assign(Object.create(null), { userId: "a" }),
};
