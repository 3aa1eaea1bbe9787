/**
 * Long-lived secrets do not leave the broker: secrets are planted in all possible places, and all output is searched
 * for them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { inspect } from "node:util";
import { TokenManager } from "graphql-token-manager";
import { createBroker } from "graphql-token-manager/broker";
import { assertHoldsNone, secretsOf } from "../support/secrets.js";
import { QUICK, acmeProfile, fluz, managerFor, sandboxFor, toggle } from "../support/setup.js";
import { EVENT_TYPES } from "../support/waiting.js";
import { ask, digestOf, json, listening } from "./support.js";

/** @import { TestContext } from "node:test" */

const PLANTED = {
  apiKey: "planted-api-key-0123456789",
  refreshToken: "planted-refresh-token-0123456789",
  body: "planted-body-0123456789",
  cookie: "planted-cookie-0123456789",
  thrown: "planted-thrown-0123456789",
};

/** Returns all parts of a response, including headers. @param {Response} response */
async function whole(response) {
  const { status, statusText } = response;
  return inspect({ status, statusText, headers: [...response.headers], body: await response.text() });
}

/** Records the output to the console and to both standard streams. @param {TestContext} t */
function written(t) {
  /** @type {string[]} */
  const lines = [];
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    t.mock.method(stream, "write", (/** @type {any} */ chunk, /** @type {any[]} */ ...rest) => {
      lines.push(String(chunk));
      return /** @type {any} */ (write)(chunk, ...rest);
    });
  }
  for (const method of /** @type {const} */ (["log", "info", "warn", "error", "debug"])) {
    t.mock.method(console, method, (/** @type {unknown[]} */ ...given) => lines.push(inspect(given)));
  }
  return lines;
}

test("responses, errors and logs contain no secret, whatever the API does", async (t) => {
  const lines = written(t);
  /** @type {(() => [number, string])[]} */
  const behaviours = [
    () => [
      200,
      JSON.stringify({ data: { login: { jwt: "short-lived", renewal: PLANTED.refreshToken, ttl: 60 } } }),
    ],
    () => [
      200,
      JSON.stringify({ data: { login: { jwt: "short lived", renewal: PLANTED.refreshToken, ttl: 60 } } }),
    ],
    () => [
      200,
      JSON.stringify({ errors: [{ message: PLANTED.body, extensions: { code: "UNAUTHENTICATED" } }] }),
    ],
    () => [200, JSON.stringify({ errors: [{ message: PLANTED.body }] })],
    () => [401, PLANTED.body],
    () => [429, PLANTED.body],
    () => [500, `<html>${PLANTED.body}</html>`],
    () => [502, `{"data": {"login": {"renewal": "${PLANTED.refreshToken}"`],
    () => [302, PLANTED.body],
  ];
  const seen = [];
  // The operator receives the provider's messages. No page does.
  /** @type {string[]} */
  const ofOperator = [];
  const { body: _, ...secrets } = PLANTED;
  for (const behave of behaviours) {
    const server = createServer((_request, response) => {
      const [status, body] = behave();
      response
        .writeHead(status, { "content-type": "application/json", location: `/${PLANTED.body}` })
        .end(body);
    });
    const endpoint = `${await listening(t, server)}/graphql`;
    const profile = acmeProfile(
      /** @type {any} */ ({ acme: { endpoint, id: "me", secret: PLANTED.apiKey } }),
    );
    const tokens = managerFor(t, { provider: profile, retry: { ...QUICK, attempts: 1 } });
    for (const type of EVENT_TYPES) tokens.on(type, (event) => ofOperator.push(inspect(event, { depth: 9 })));
    const onError = (/** @type {unknown} */ error) => {
      assertHoldsNone(error, Object.values(secrets));
      ofOperator.push(inspect(error, { depth: 9, showHidden: true }));
    };
    const broker = createBroker(tokens, { authorize: () => ({}), onError });

    /** @type {Record<string, string>[]} */
    const forms = [
      {},
      { refused: digestOf("short-lived") },
      { scope: PLANTED.cookie },
      { x: PLANTED.cookie },
    ];
    for (const form of forms) {
      const headers = { cookie: PLANTED.cookie, authorization: `Bearer ${PLANTED.cookie}` };
      seen.push(await whole(await ask(broker, form, { headers })));
    }
  }

  assert.ok(
    seen.some((text) => text.includes('"access_token":"short-lived"')),
    "the token itself is given",
  );
  assert.ok(ofOperator.some((text) => text.includes(PLANTED.body)));
  assertHoldsNone([seen, lines], Object.values(PLANTED));
  assertHoldsNone(ofOperator, Object.values(secrets));
});

test("what the operator's functions throw is not sent to pages", async (t) => {
  const sandbox = await sandboxFor(t);
  const tokens = managerFor(t, fluz(sandbox));
  const fails = () => {
    throw new Error(PLANTED.thrown);
  };
  const seen = [];
  for (const options of [{ authorize: fails }, { authorize: () => ({}), subject: fails }]) {
    seen.push(await whole(await ask(createBroker(tokens, /** @type {any} */ (options)))));
  }
  const lying = Object.assign(Object.create(tokens), { getAccessToken: fails });
  seen.push(await whole(await ask(createBroker(lying, { authorize: () => ({}) }))));

  assertHoldsNone(seen, [PLANTED.thrown]);
});

test("responses contain the token, and nothing else of a provider's credentials", async (t) => {
  const sandbox = await sandboxFor(t);
  for (const options of [fluz(sandbox), toggle(sandbox)]) {
    const tokens = new TokenManager(/** @type {any} */ (options));
    t.after(() => tokens.close());
    const broker = createBroker(tokens, { authorize: () => ({}) });
    const first = await ask(broker);
    const { access_token } = await json(first.clone());
    sandbox.revoke();
    const second = await ask(broker, { refused: digestOf(access_token) });

    assertHoldsNone([await whole(first), await whole(second), broker, inspect(broker)], secretsOf(sandbox));
  }
});
