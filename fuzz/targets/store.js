/**
 * Store entries and leases: for any result of a store, a manager settles with a token of its own identity or a
 * documented error.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenManager } from "graphql-token-manager";

import { edited, edits, number, oddText, text, tree } from "../generators.js";
import { SECRET, assertHidden, assertToken, settled } from "../oracles.js";

const ENDPOINT = "https://api.test/graphql";
const LIFETIME_MS = 600_000;
const ALICE = "3f6e1e5e-5a77-4d29-9be7-6a3e0d3a7d11";
const BOB = "3f6e1e5e-5a77-4d29-9be7-6a3e0d3a7d22";

/** Placeholders for values that JSON cannot represent. */
const odd = fc.constantFrom(
  "$undefined",
  "$nan",
  "$infinity",
  "$object",
  "$function",
  "$bytes",
  "$throws",
  "$rejects",
);
const anything = fc.oneof(odd, text, number, fc.constant(null), fc.boolean());
const members = fc.constantFrom(
  "v",
  "key",
  "accessToken",
  "refreshToken",
  "issuedAt",
  "expiresAt",
  "clock",
  "scopes",
);

const entry = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("as written") }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("of the other identity") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("edited"), edits }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("member"),
      member: members,
      value: fc.oneof(number, oddText, tree(["0", "length"]), fc.integer({ min: 0, max: 2 ** 45 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("many scopes"), count: fc.constantFrom(100, 5_000, 100_000) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("value"), value: anything }) },
);

const lease = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      fence: fc.oneof(anything, fc.constantFrom(1, 2 ** 53, -1, 0.5)),
      release: anything,
    }),
  },
  { weight: 1, arbitrary: fc.record({ instead: anything }) },
);

export const cases = fc.record({
  gets: fc.array(entry, { minLength: 1, maxLength: 4 }),
  lease: fc.option(lease, { nil: undefined }),
  set: fc.option(anything, { nil: undefined }),
  remove: fc.option(anything, { nil: undefined }),
  watch: fc.option(anything, { nil: undefined }),
});

/** @param {any} input */
export async function check(input) {
  const written = await honestEntries();
  const calls = { gets: 0, leases: 0 };
  const store = {
    /** @param {string} key */
    get: (key) => made(input.gets[calls.gets++ % input.gets.length], key, written),
    set: () => value(input.set),
    delete: () => value(input.remove),
    ...(input.lease && { acquire: () => leased(input.lease, calls.leases++) }),
    ...(input.watch !== undefined && {
      /** @param {string} _key @param {() => void} changed */
      watch: (_key, changed) => {
        changed();
        return value(input.watch);
      },
    }),
  };
  // An edited entry may contain any token; an intact entry of another identity must never be adopted.
  const others = /** @type {const} */ ([
    [ALICE, BOB],
    [BOB, ALICE],
  ]);
  for (const [own, other] of others) {
    const tokens = managerOf(own, { store, storeTimeoutMs: 200 });
    try {
      const { value: token } = await settled(() => tokens.getAccessToken(), [own]);
      if (token) {
        assertToken(token);
        assert.notEqual(/^tok\.([^.]*)\./.exec(token.value)?.[1], other, "a token of another identity");
        // Not `expiresAt`, which is relative to the provider's clock, and an entry contains the clock offset.
        const { expiresInMs = 0 } = tokens.status();
        assert.ok(expiresInMs <= 2 * LIFETIME_MS, "an entry lives longer than tokens do");
        assertHidden(
          tokens.status(),
          [token.value].filter((text) => text.length > 12),
        );
      }
      tokens.invalidate(token?.value ?? "");
      const renewed = await settled(() => tokens.refresh());
      if (renewed.value) assertToken(renewed.value);
    } finally {
      await tokens.close();
    }
  }
}

/**
 * @param {string} userId
 * @param {object} options
 */
function managerOf(userId, options) {
  let grants = 0;
  /** @param {unknown} url @param {RequestInit} init */
  const fetch = async (url, init) => {
    assert.equal(String(url), ENDPOINT);
    const { query } = JSON.parse(`${init.body}`);
    const name = /refreshUserAccessToken/.test(query) ? "refreshUserAccessToken" : "generateUserAccessToken";
    const token = `tok.${userId}.${++grants}`;
    const refreshToken = `renew.${SECRET}.${userId}.${grants}`;
    return Response.json({ data: { [name]: { token, refreshToken, scopes: ["LIST_OFFERS"] } } });
  };
  return new TokenManager(
    /** @type {any} */ ({
      provider: "fluz",
      endpoint: ENDPOINT,
      apiKey: `id:${SECRET}`,
      userId,
      accountId: ALICE,
      scopes: ["LIST_OFFERS"],
      lifetimeMs: LIFETIME_MS,
      refresh: "on-demand",
      retry: { attempts: 1 },
      fetch,
      ...options,
    }),
  );
}

/** @type {Promise<Map<string, string>> | undefined} */
let entries;

/** Returns the entries that a manager of each identity writes, by key. */
function honestEntries() {
  entries ??= (async () => {
    /** @type {Map<string, string>} */
    const written = new Map();
    for (const id of [ALICE, BOB]) {
      const store = {
        get: () => undefined,
        delete: () => {},
        /** @param {string} key @param {string} text */
        set: (key, text) => void written.set(key, text),
      };
      const tokens = managerOf(id, { store });
      await tokens.getToken();
      await tokens.close();
    }
    assert.equal(written.size, 2, "both identities have an entry of their own");
    return written;
  })();
  return entries;
}

/**
 * @param {any} plan
 * @param {string} key
 * @param {Map<string, string>} written
 */
function made(plan, key, written) {
  const own = written.get(key) ?? "";
  assert.ok(own !== "", "the key of an identity is always the same");
  switch (plan.kind) {
    case "as written":
      return own;
    case "of the other identity":
      return [...written].find(([other]) => other !== key)?.[1];
    case "edited":
      return edited(own, plan.edits);
    case "member":
      return JSON.stringify({ ...JSON.parse(own), [plan.member]: plan.value });
    case "many scopes":
      return JSON.stringify({
        ...JSON.parse(own),
        scopes: Array.from({ length: plan.count }, (_, n) => `S${n}`),
      });
    default:
      return value(plan.value);
  }
}

/** @param {any} plan @param {number} before */
function leased(plan, before) {
  // An empty result means that another holder has the lease, and the manager would wait for seconds; the next call
  // succeeds.
  if ("instead" in plan) return before % 2 === 0 ? value(plan.instead) : { fence: before, release: () => {} };
  return {
    // A rejected promise in a member of a lease is the responsibility of the store.
    fence: plan.fence === "$rejects" ? undefined : value(plan.fence),
    release: plan.release === "$function" ? () => {} : () => value(plan.release),
  };
}

/** Returns the value of a placeholder. @param {any} plan @returns {any} */
function value(plan) {
  switch (plan) {
    case "$undefined":
      return undefined;
    case "$nan":
      return Number.NaN;
    case "$infinity":
      return Number.POSITIVE_INFINITY;
    case "$object":
      return { toString: () => SECRET };
    case "$function":
      return () => {};
    case "$bytes":
      return new Uint8Array([1, 2, 3]);
    case "$throws":
      throw new Error(SECRET);
    case "$rejects":
      return Promise.reject(new Error(SECRET));
    default:
      return plan;
  }
}
