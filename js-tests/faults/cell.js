/**
 * One cell of the matrix: a fault, an API, and the moment of a token request.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { letTimeRunOut, simulatedTime } from "../support/simulated-time.js";
import { failure, next, record } from "../support/waiting.js";
import { FAULTS, foreseen, meaningOf, told } from "./expectations.js";
import { APIS, NAMES, RETRY, accepts, asked } from "./providers.js";

/** @import { TestContext } from "node:test" */
/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */
/** @import { TokenManager } from "graphql-token-manager" */
/** @import { SimulatedTime } from "../support/simulated-time.js" */
/** @import { Moment, Row } from "./expectations.js" */

/** A token lifetime with a refresh window of five minutes, which leaves time for failures. */
const HOUR = 3_600_000;
const ATTEMPTS = 3;

/**
 * Registers the cells of one moment: each fault at each API to which it applies. They run sequentially, in simulated
 * time.
 * @param {Moment} moment
 * @param {"once" | "for good"} lasts
 */
export function describeCells(moment, lasts) {
  describe(`a ${moment}, spoilt ${lasts}, by`, () => {
    for (const row of FAULTS) {
      test(row.title, async (t) => {
        const time = simulatedTime(t);
        const lifetimes = { fluz: HOUR, toggle: HOUR, braintree: HOUR, acme: HOUR };
        const sandbox = await sandboxFor(t, { lifetimes, now: time.now });
        for (const name of row.only ?? NAMES) {
          await t.test(name, (t) => cell(t, { sandbox, time, name, row, moment, lasts }));
        }
      });
    }
  });
}

/**
 * @param {TestContext} t
 * @param {object} cell
 * @param {Sandbox} cell.sandbox
 * @param {SimulatedTime} cell.time
 * @param {ProviderName} cell.name
 * @param {Row} cell.row
 * @param {Moment} cell.moment
 * @param {"once" | "for good"} cell.lasts
 */
async function cell(t, { sandbox, time, name, row, moment, lasts }) {
  const api = APIS[name];
  const scopes = name === "fluz" ? { scopes: ["LIST_OFFERS", "LIST_PAYMENT"] } : {};
  const tokens = managerFor(t, api.options(sandbox, { retry: { ...RETRY, attempts: ATTEMPTS }, ...scopes }));
  const expected = foreseen({ meaning: meaningOf(row, name), api, moment, lasts, attempts: ATTEMPTS });
  const held = moment === "first grant" ? undefined : await tokens.getToken();
  const before = asked(sandbox, name).length;
  const heal = sandbox.fault({ ...row.fault, provider: name, ...(lasts === "once" ? { times: 1 } : {}) });
  const events = record(tokens);

  const acting = ACT[moment](tokens, time, expected.code);
  if (row.fault.kind === "delay") {
    const late = lasts === "once" ? 1 : expected.operations.length;
    await letTimeRunOut(sandbox, time, name, late);
  }
  const outcome = await acting;

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
 * Triggers a token request and waits until it settles; resolves to the error, if there is one.
 * @type {Record<Moment, (tokens: TokenManager, time: SimulatedTime, code?: string) =>
 *   Promise<import("graphql-token-manager").TokenError | void>>}
 */
const ACT = {
  "first grant": async (tokens, _, code) => {
    const callers = [tokens.getToken(), tokens.getToken(), tokens.getAccessToken()];
    if (code === undefined) return void (await Promise.all(callers));
    const [first, ...others] = await Promise.all(callers.map(failure));
    assert.deepEqual(others, [first, first], "one error for all who waited");
    return first;
  },
  "forced refresh": async (tokens, _, code) => {
    if (code === undefined) return void (await tokens.refresh());
    return failure(tokens.refresh());
  },
  "background refresh": async (tokens, time, code) => {
    const ended = code === undefined ? next(tokens, "token") : next(tokens, "error");
    time.next();
    const event = await ended;
    return event.type === "error" ? event.error : undefined;
  },
};
