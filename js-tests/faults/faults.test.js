// Each fault of the sandbox in the first grant of each API: its code, its requests, and the recovery. `src/graphql/tests`
// has each meaning of a response, and `src/core/tests/transitions.txt` the effect of each meaning in each state.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { managerFor, sandboxFor } from "../support/setup.js";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { letTimeRunOut, simulatedTime } from "../support/simulated-time.js";
import { failure, record } from "../support/waiting.js";
import { FAULTS, meaningOf } from "./expectations.js";
import { APIS, NAMES, RETRY, accepts, asked } from "./providers.js";

/** @import { TestContext } from "node:test" */
/** @import { ProviderName, Sandbox } from "graphql-token-manager/testing" */
/** @import { SimulatedTime } from "../support/simulated-time.js" */
/** @import { Row } from "./expectations.js" */

const HOUR = 3_600_000;
const ATTEMPTS = 3;

describe("a grant with the fault", () => {
  for (const row of FAULTS) {
    test(row.title, async (t) => {
      const time = simulatedTime(t);
      const lifetimes = { fluz: HOUR, toggle: HOUR, braintree: HOUR, acme: HOUR };
      const sandbox = await sandboxFor(t, { lifetimes, now: time.now });
      for (const name of row.only ?? NAMES) await t.test(name, (t) => cell(t, { sandbox, time, name, row }));
    });
  }
});

/**
 * One cell of the matrix. Cells run sequentially, in simulated time.
 * @param {TestContext} t
 * @param {{ sandbox: Sandbox, time: SimulatedTime, name: ProviderName, row: Row }} cell
 */
async function cell(t, { sandbox, time, name, row }) {
  const { options, grant, query } = APIS[name];
  const scopes = name === "fluz" ? { scopes: ["LIST_OFFERS", "LIST_PAYMENT"] } : {};
  const tokens = managerFor(t, options(sandbox, { retry: { ...RETRY, attempts: ATTEMPTS }, ...scopes }));
  const meaning = meaningOf(row, name);
  const attempts = meaning.is === "passes" ? ATTEMPTS : 1;
  const events = record(tokens);
  const before = asked(sandbox, name).length;
  const requests = () => asked(sandbox, name).slice(before);
  const heal = sandbox.fault({ ...row.fault, provider: name });

  const callers = Promise.allSettled([tokens.getToken(), tokens.getToken(), tokens.getAccessToken()]);
  if (row.fault.kind === "delay") await letTimeRunOut(sandbox, time, name, attempts);
  const ends = await callers;

  const spent = Array.from({ length: attempts }, () => grant);
  assert.deepEqual(requests(), spent);
  const code = meaning.is === "harmless" ? undefined : meaning.code;
  assert.equal(tokens.status().lastError?.code, code);
  if (meaning.is === "harmless") {
    const warnings = events.flatMap((event) => (event.type === "warning" ? [event.code] : []));
    assert.deepEqual(warnings, meaning.warning === undefined ? [] : [meaning.warning]);
  } else {
    assert.deepEqual(
      ends.map((end) => end.status === "rejected" && end.reason.code),
      [code, code, code],
    );
    for (let call = 0; call < 20; call++) assert.equal((await failure(tokens.getToken())).code, code);
    assert.deepEqual(requests(), spent, "the provider is left alone");
    const secrets = [...secretsOf(sandbox), query];
    assertHoldsNone([ends, events, tokens.status()], secrets);
    heal();
    await tokens.refresh();
    assert.deepEqual(requests(), [...spent, grant]);
  }
  const token = await tokens.getToken();
  heal();
  assert.ok(await accepts(sandbox, name, token), "the API takes the token");
}
