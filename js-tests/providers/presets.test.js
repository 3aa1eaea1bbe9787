// The descriptions of `graphql-token-manager/providers`: what each sends, and what the responses of its API mean.
//
// The responses follow the documentation and the source that each file names, or a server that docs/servers.md names.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";

import { buildSchema, parse, validate } from "graphql";
import * as exported from "graphql-token-manager/providers";

import { managerFor, QUICK } from "../support/setup.js";
import { failure } from "../support/waiting.js";
import { CONTENT } from "./exchanges/content.js";
import { OAUTH } from "./exchanges/oauth.js";
import { PLATFORMS } from "./exchanges/platforms.js";
import { SHOPS } from "./exchanges/shops.js";
import { jwt } from "./exchanges/support.js";

/** @import { TestContext } from "node:test" */
/** @import { Case, Recorded } from "./exchanges/support.js" */

// A part of a description, and none itself: client-assertion.test.js.
const { clientAssertion: _, ...providers } = exported;

const CASES = [...CONTENT, ...SHOPS, ...PLATFORMS, ...OAUTH];

/**
 * A request as the API receives it.
 *
 * @typedef {{ url: string, headers: Headers, body: any }} Sent
 */

/**
 * Creates a manager; `respond` answers its requests.
 *
 * @param {TestContext} t
 * @param {Case} preset
 * @param {(sent: Sent, kind: "login" | "renewal" | "revocation" | "data", count: number) => Recorded} respond
 */
function managerOf(t, preset, respond) {
  /** @type {(Sent & { kind: string })[]} */
  const sent = [];
  const tokens = managerFor(t, {
    provider: preset.profile(),
    retry: { ...QUICK, attempts: 1 },
    fetch: async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
      const text = `${init.body ?? ""}`;
      const body = text.startsWith("{") ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
      const request = { url, headers: new Headers(init.headers), body };
      const kind = kindOf(preset, request);
      sent.push({ ...request, kind });
      const [status, answer, headers] = respond(
        request,
        kind,
        sent.filter((one) => one.kind === kind).length,
      );
      return Response.json(answer, { status, headers });
    },
  });
  return { tokens, sent };
}

/** @param {Case} preset @param {Sent} request */
function kindOf(preset, { url, body }) {
  if (body.query === "{ viewer }") return "data";
  const marked = `${url} ${body.query ?? ""}`;
  if (preset.revocation !== undefined && marked.includes(preset.revocation.mark)) return "revocation";
  if (preset.renewal !== undefined && `${url} ${JSON.stringify(body)}`.includes(preset.renewal.mark))
    return "renewal";
  return "login";
}

/** @type {Recorded} */
const DATA = [200, { data: { viewer: 1 } }];

/** @param {Sent[]} sent @param {string} header */
const presented = (sent, header) => sent.map(({ headers }) => headers.get(header));

for (const preset of CASES) {
  const { name, login, renewal, revocation } = preset;
  const [header, scheme] = preset.presented;

  describe(name, () => {
    test("logs in as documented, and presents the token", async (t) => {
      const { tokens, sent } = managerOf(t, preset, (_sent, kind) =>
        kind === "data" ? DATA : login.response("1"),
      );

      assert.deepEqual(await tokens.request("{ viewer }"), { viewer: 1 });

      const [first, second] = sent;
      assert.equal(first?.url, login.url);
      assert.deepEqual(parts(first), login.parts);
      for (const [key, value] of Object.entries(login.headers ?? {}))
        assert.equal(first?.headers.get(key), value);
      assert.equal(second?.url, preset.endpoint);
      assert.equal(second?.headers.get(header), scheme + preset.token("1"));
      assert.equal(sent.length, 2);
    });

    test("knows the lifetime", async (t) => {
      const { tokens } = managerOf(t, preset, () => login.response("1"));
      /** @type {string[]} */
      const warnings = [];
      tokens.on("warning", ({ code }) => warnings.push(code));

      await tokens.getToken();

      const { expiresInMs = 0 } = tokens.status();
      assert.ok(Math.abs(expiresInMs - preset.lifetimeMs) < 10_000, `${expiresInMs}`);
      assert.deepEqual(warnings, []);
    });

    test("renews the token as documented, twice, and logs in again where that is refused", async (t) => {
      let isRefused = false;
      const { tokens, sent } = managerOf(t, preset, (_sent, kind, count) => {
        if (kind === "renewal" && isRefused) return renewal?.refused ?? [500, {}];
        return kind === "renewal"
          ? (renewal?.response(`r${count}`) ?? [500, {}])
          : login.response(`${count}`);
      });

      await tokens.getToken();
      await tokens.refresh();
      await tokens.refresh();
      isRefused = true;
      await tokens.refresh();

      const kinds = sent.map(({ kind }) => kind);
      if (renewal === undefined) return assert.deepEqual(kinds, ["login", "login", "login", "login"]);
      assert.deepEqual(kinds, ["login", "renewal", "renewal", "renewal", "login"]);
      const [, first, second] = sent;
      assert.equal(first?.url, renewal.url);
      assert.deepEqual(parts(first), renewal.parts("1"));
      assert.deepEqual(parts(second), renewal.parts(renewal.rotates ? "r1" : "1"));
      if (renewal.authorization !== undefined)
        assert.deepEqual(presented(sent.slice(1, 3), "authorization"), renewal.authorization);
      assert.equal(await tokens.getToken(), preset.token("2"));
    });

    if (preset.schema !== undefined) {
      test("sends operations that are valid in the schema of the API", () => {
        const schema = buildSchema(preset.schema ?? "");
        const { authenticate, renew, revoke } = preset.profile();
        const documents = [authenticate, renew, revoke].flatMap((operation) => operation?.document ?? []);

        for (const document of documents) assert.deepEqual(validate(schema, parse(document)), [], document);
      });
    }

    for (const [what, response, code] of preset.failures) {
      test(`${what}: ${code}, after one request`, async (t) => {
        const { tokens, sent } = managerOf(t, preset, () => response);

        const error = await failure(tokens.getToken());

        assert.equal(error.code, code);
        assert.ok(!error.message.includes("pass-word-1"));
        assert.equal(sent.length, 1);
      });
    }

    for (const [what, response] of preset.rejections) {
      test(`${what}: a new token, and the request once more`, async (t) => {
        const { tokens, sent } = managerOf(t, preset, (request, kind, count) => {
          if (kind === "renewal") return renewal?.refused ?? [500, {}];
          if (kind === "login") return login.response(`${count}`);
          return request.headers.get(header) === scheme + preset.token("1") ? response : DATA;
        });

        assert.deepEqual(await tokens.request("{ viewer }"), { viewer: 1 });

        const data = sent.filter(({ kind }) => kind === "data");
        assert.deepEqual(presented(data, header), [scheme + preset.token("1"), scheme + preset.token("2")]);
      });
    }

    if (preset.limited !== undefined) {
      test("a request of data that is limited by its rate can be retried", async (t) => {
        const { tokens } = managerOf(t, preset, (_sent, kind) =>
          kind === "data" ? (preset.limited ?? DATA) : login.response("1"),
        );

        const error = await failure(tokens.request("{ viewer }"));

        assert.equal(error.code, "graphql_errors");
        assert.equal(error.retryable, true);
      });
    }

    if (revocation !== undefined) {
      test("revokes the token as documented", async (t) => {
        const { tokens, sent } = managerOf(t, preset, (_sent, kind) =>
          kind === "revocation" ? [200, revocation.response] : login.response("1"),
        );

        await tokens.getToken();
        await tokens.revoke();

        const request = sent.at(-1);
        assert.equal(request?.url, revocation.url);
        assert.deepEqual(request?.body.variables ?? {}, revocation.variables);
        assert.equal(
          request?.headers.get(header),
          revocation.isAuthorized ? scheme + preset.token("1") : null,
        );
      });
    }

    test("is plain data, besides functions that return its secrets", () => {
      const copy = structuredClone(withoutFunctions(preset.profile()));

      assert.deepEqual(copy, withoutFunctions(preset.profile()));
      assert.ok(!JSON.stringify(preset.profile()).includes("pass-word-1") || preset.isOAuth);
    });

    test("rejects a missing, an empty and an unknown option", async (t) => {
      const make = /** @type {any} */ (providers)[name];
      /** @param {object} options */
      const isRejected = async (options) => {
        try {
          await managerFor(t, {
            provider: make(options),
            fetch: () => Promise.reject(new Error()),
          }).getToken();
        } catch (error) {
          return error instanceof TypeError || /** @type {any} */ (error).code === "invalid_options";
        }
        return false;
      };
      const { options } = preset;

      for (const key of Object.keys(options)) {
        if (preset.optional?.includes(key)) continue;
        assert.ok(await isRejected({ ...options, [key]: undefined }), `without ${key}`);
        assert.ok(await isRejected({ ...options, [key]: "" }), `an empty ${key}`);
        assert.ok(await isRejected({ ...options, [key]: 1 }), `a number as ${key}`);
      }
      assert.ok(await isRejected({ ...options, passwort: "x" }), "an unknown option");
    });
  });
}

test("every export has a case", () => {
  assert.deepEqual([...new Set(CASES.map(({ name }) => name))].sort(), Object.keys(providers).sort());
});

test("every export has a row in docs/apis.md", async () => {
  const page = await readFile(new URL("../../docs/apis.md", import.meta.url), "utf8");

  for (const name of Object.keys(providers)) assert.match(page, new RegExp(`^\\| \`${name}\` \\|`, "m"));
});

test("secrets may be functions, and may start with a dollar sign", async (t) => {
  for (const password of [() => "$ecret", "$ecret"]) {
    /** @type {any[]} */
    const bodies = [];
    const tokens = managerFor(t, {
      provider: providers.saleor({ endpoint: "https://shop.test/graphql/", email: "me@test", password }),
      fetch: async (/** @type {string} */ _url, /** @type {any} */ init) => {
        bodies.push(JSON.parse(init.body));
        return Response.json({ data: { tokenCreate: { token: jwt("1"), refreshToken: "r", errors: [] } } });
      },
    });

    await tokens.getToken();

    assert.equal(bodies[0].variables.password, "$ecret");
  }
});

test("requests and revocations of Parse Server have the application's id from the option `headers`", async (t) => {
  /** @type {(string | null)[]} */
  const ids = [];
  const header = "X-Parse-Application-Id";
  const options = { url: "https://api.test", applicationId: "app", username: "me", password: "x" };
  const tokens = managerFor(t, {
    provider: providers.parse(options),
    headers: { [header]: "app" },
    fetch: async (/** @type {string} */ _url, /** @type {RequestInit} */ init) => {
      ids.push(new Headers(init.headers).get(header));
      const data = { logIn: { viewer: { sessionToken: "r:1" } }, logOut: { clientMutationId: null } };
      return Response.json({ data });
    },
  });

  await tokens.request("{ viewer }");
  await tokens.revoke();

  assert.deepEqual(ids, ["app", "app", "app"]);
});

test("values that become part of a document or of a host are checked", () => {
  const shop = { version: "2026-10", clientId: "id", clientSecret: "secret" };
  for (const name of ["evil.test/", "a.b", "a@b", "a/b", "a?b", "a#b"])
    for (const make of [providers.shopifyAdmin, providers.shopifyOffline])
      assert.throws(() => make({ ...shop, shop: name, refreshToken: "x" }), TypeError, name);
  const project = { projectKey: "p", clientId: "id", clientSecret: "secret" };
  for (const region of ["a/b", "a@b", "a?b", "a#b", "a:1"])
    assert.throws(() => providers.commercetools({ ...project, region }), TypeError, region);
  const payload = { url: "https://cms.test", email: "me@test", password: "x" };
  assert.throws(() => providers.payload({ ...payload, collection: "User { id }" }), TypeError);
  const database = { endpoint: "https://api.test/graphql", input: { password: "x" } };
  for (const name of ["a b", "a{b", "1a", "ä", ""]) {
    assert.throws(() => providers.postgraphile({ ...database, mutation: name }), TypeError, name);
    assert.throws(() => providers.postgraphile({ ...database, token: name }), TypeError, name);
  }
  for (const input of [{}, [], { password: "" }, { password: 1 }, { password: undefined }])
    assert.throws(
      () => providers.postgraphile({ ...database, input: /** @type {any} */ (input) }),
      TypeError,
    );
  assert.throws(() => providers.djangoGraphqlJwt(/** @type {any} */ ({ renewal: "constructor" })), TypeError);
});

/**
 * Returns the variables of a GraphQL request, the fields of another one.
 *
 * @param {Sent | undefined} sent
 */
function parts(sent) {
  return sent?.body.query === undefined ? sent?.body : (sent.body.variables ?? {});
}

/** @param {any} value @returns {any} */
function withoutFunctions(value) {
  if (Array.isArray(value)) return value.map(withoutFunctions);
  if (typeof value === "function") return "function";
  if (typeof value !== "object" || value === null) return value;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutFunctions(member)]));
}
