/**
 * One cell of the matrix: a fault, an API, a moment at which a token is asked for.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { failure, next, record } from "../support/waiting.js";
import { FAULTS, foreseen, meaningOf, told } from "./expectations.js";
import { APIS, NAMES, RETRY, accepts, asked } from "./providers.js";

/** @import { TestContext } from "node:test" */
/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */
/** @import { TokenManager } from "graphql-token-manager" */
/** @import { Moment, Row } from "./expectations.js" */

const MINUTE = 60_000;
/** A background refresh then comes a second after the first grant, and leaves nine for what goes wrong. */
const SOON = 10_000;

/**
 * The cells of one moment: every fault, at every API that it can happen to.
 * @param {Moment} moment
 * @param {"once" | "for good"} lasts
 */
export function describeCells(moment, lasts) {
  describe(`a ${moment}, spoilt ${lasts}, by`, { concurrency: 12 }, () => {
    for (const row of FAULTS) {
      test(row.title, { concurrency: true }, async (t) => {
        const lifetime = moment === "background refresh" ? SOON : MINUTE;
        const lifetimes = { fluz: lifetime, toggle: lifetime, braintree: lifetime, acme: lifetime };
        const sandbox = await sandboxFor(t, { lifetimes });

        const names = row.only ?? NAMES;
        await Promise.all(
          names.map((name) => t.test(name, (t) => cell(t, { sandbox, name, row, moment, lasts }))),
        );
      });
    }
  });
}

/**
 * @param {TestContext} t
 * @param {{ sandbox: Sandbox, name: ProviderName, row: Row, moment: Moment, lasts: "once" | "for good" }} cell
 */
async function cell(t, { sandbox, name, row, moment, lasts }) {
  const api = APIS[name];
  // Waiting for a timeout is all that takes time here.
  const isLate = row.fault.kind === "delay";
  const attempts = !isLate ? 3 : lasts === "once" ? 2 : 1;
  const pace = moment === "background refresh" ? { refreshWindow: 0.9 } : {};
  const scopes = name === "fluz" ? { scopes: ["LIST_OFFERS", "LIST_PAYMENT"] } : {};
  const timing = { timeoutMs: isLate ? 2_500 : 10_000, retry: { ...RETRY, attempts }, ...pace };
  const tokens = managerFor(t, api.options(sandbox, { ...timing, ...scopes }));
  const expected = foreseen({ meaning: meaningOf(row, name), api, moment, lasts, attempts });
  const held = moment === "first grant" ? undefined : await tokens.getToken();
  const before = asked(sandbox, name).length;
  const heal = sandbox.fault({ ...row.fault, provider: name, ...(lasts === "once" ? { times: 1 } : {}) });
  const events = record(tokens);

  const outcome = await ACT[moment](tokens, expected.code);

  const { code } = expected;
  assert.deepEqual(asked(sandbox, name).slice(before), expected.operations);
  assert.deepEqual(events.map(told), expected.events);
  assert.equal(outcome?.code, code);
  assert.equal(tokens.status().lastError?.code, code);
  if (code === undefined) {
    const token = await tokens.getToken();
    heal();
    assert.notEqual(token, held);
    assert.ok(await accepts(sandbox, name, token), "the API takes the token");
    return;
  }
  assert.equal(tokens.peek()?.value, held, "no failure takes a valid token away");
  for (let call = 0; call < 20; call++) {
    const got = await tokens.getToken().catch((error) => error.code);
    assert.equal(got, held ?? code);
  }
  assert.deepEqual(asked(sandbox, name).slice(before), expected.operations, "the provider is left alone");
  assertHoldsNone(
    [outcome, events, tokens.status()],
    [...secretsOf(sandbox), held ?? api.query, "planted-in-the-body"],
  );

  heal();
  const { value } = await tokens.refresh();
  assert.notEqual(value, held);
  assert.deepEqual(
    asked(sandbox, name).slice(before),
    [...expected.operations, api.grant],
    "credentials, once",
  );
  assert.deepEqual(events.map(told), [...expected.events, "token forced"]);
  assert.equal(await tokens.getToken(), value);
}

/**
 * Has a token asked for, and waits for the end of that; gives the error, if there is one.
 * @type {Record<Moment, (tokens: TokenManager, code?: string) => Promise<import("graphql-token-manager").TokenError | void>>}
 */
const ACT = {
  "first grant": async (tokens, code) => {
    const callers = [tokens.getToken(), tokens.getToken(), tokens.getAccessToken()];
    if (code === undefined) return void (await Promise.all(callers));
    const [first, ...others] = await Promise.all(callers.map(failure));
    assert.deepEqual(others, [first, first], "one error for all who waited");
    return first;
  },
  "forced refresh": async (tokens, code) => {
    if (code === undefined) return void (await tokens.refresh());
    return failure(tokens.refresh());
  },
  "background refresh": async (tokens, code) => {
    if (code === undefined) return void (await next(tokens, "token"));
    const { error } = await next(tokens, "error");
    return error;
  },
};
