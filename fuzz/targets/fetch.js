/**
 * Inputs of `tokens.fetch`: the token is sent to allowed origins only, and the request is a snapshot of the arguments
 * at the call, unaffected by later changes to the objects, including in replays and after redirects.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenError, TokenManager } from "graphql-token-manager";

import { oddText, text } from "../generators.js";
import { assertDocumented } from "../oracles.js";

const ACCEPTED = new Set(["https://api.test", "https://files.test"]);

const address = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "https://api.test/graphql",
      "https://files.test/a?b#c",
      "HTTPS://API.TEST:443/%2e%2e/x",
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...[
        "https://evil.test/",
        "https://api.test@evil.test/",
        "https://api.test.evil.test/",
        "https://api.test:444/",
      ],
      ...[
        "http://api.test/graphql",
        "https:\\\\evil.test\\api.test",
        "//evil.test/",
        "/graphql",
        "",
        "data:,x",
        "blob:x",
      ],
      ...[
        "https://api.test./",
        "https://аpi.test/",
        "https://api.test\u3002evil.test/",
        "ht\ntps://evil.test/",
      ],
      ...["https://user:pass@api.test/", "javascript:1", "https://evil.test/https://api.test/"],
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("https://", "https://api.test", ""), text)
      .map((parts) => parts.join("")),
  },
);

const changes = fc.array(
  fc.record({
    when: fc.constantFrom("first grant", "second grant", "first answer"),
    what: fc.constantFrom("address", "header", "own header", "body", "method"),
    to: address,
  }),
  { maxLength: 3 },
);

export const cases = fc.record({
  kind: fc.constantFrom(
    "text",
    "URL",
    "Request",
    "Request with url",
    "toString",
    "proxy",
    "subclass",
    "String",
  ),
  address,
  method: fc.constantFrom("GET", "POST", "POST", "PUT", "DELETE", "get", "query"),
  headers: fc.constantFrom("none", "object", "Headers", "list", "own authorization"),
  body: fc.constantFrom("none", "text", "bytes", "form", "blob", "stream"),
  changes,
  answers: fc.array(
    fc.record({
      status: fc.constantFrom(200, 200, 401, 401, 301, 302, 303, 307, 308, 500),
      location: address,
    }),
    { minLength: 1, maxLength: 4 },
  ),
  name: oddText,
});

/** @param {any} input */
export async function check(input) {
  /** @type {{ url: string, method: string, token: boolean, own: boolean, body: string, redirected: boolean }[]} */
  const sent = [];
  /** @type {Set<string>} */
  const granted = new Set();
  const given = objects(input);
  /** @param {string} when */
  const change = (when) => {
    for (const one of input.changes) if (one.when === when) apply(given, one);
  };
  const grant = async () => {
    await null;
    change(granted.size === 0 ? "first grant" : "second grant");
    const accessToken = `tok.fetch.${granted.size}`;
    granted.add(accessToken);
    return { accessToken, expiresInMs: 60_000 };
  };
  let redirected = false;
  /** Records the request that a server receives. @param {any} resource @param {any} init */
  const fetch = async (resource, init) => {
    const request = new Request(resource, { duplex: "half", ...init });
    const authorization = request.headers.get("authorization") ?? "";
    const token = [...granted].some((value) => authorization.includes(value));
    const { url, method } = request;
    sent.push({
      url,
      method,
      token,
      own: authorization === "Basic own",
      body: await request.text(),
      redirected,
    });
    const { status, location } = input.answers[(sent.length - 1) % input.answers.length];
    change("first answer");
    redirected ||= status >= 300 && status < 400;
    const headers = new Headers();
    try {
      if (status >= 300 && status < 400) headers.set("location", location);
    } catch {
      // `Response` rejects it, so a server cannot send it either.
    }
    return new Response(status >= 300 && status < 400 ? null : '{"data":null}', { status, headers });
  };
  const tokens = new TokenManager({
    provider: { name: "acme", endpoint: "https://api.test/graphql", grant },
    origins: ["https://files.test"],
    refresh: "on-demand",
    retry: { attempts: 1 },
    fetch: /** @type {any} */ (fetch),
  });
  try {
    const response = await tokens.fetch(given.resource, given.init);
    await response.text();
  } catch (error) {
    if (TokenError.is(error)) assertDocumented(error);
    // The error of the platform for an invalid input is passed through.
    else
      assert.ok(
        error instanceof TypeError || error instanceof DOMException || error === given.thrown,
        String(error),
      );
  } finally {
    await tokens.close();
  }
  assertSent(sent, given, input);
}

/** @param {any[]} sent @param {any} given @param {any} input */
function assertSent(sent, given, input) {
  assert.ok(sent.length <= 44, `${sent.length} requests for one call`);
  for (const { url, token } of sent) {
    const { origin } = new URL(url);
    assert.ok(!token || ACCEPTED.has(origin), `the token went to ${origin}`);
  }
  const direct = sent.filter(({ redirected }) => !redirected);
  for (const { url, method, body, own } of direct) {
    if (given.url !== undefined)
      assert.equal(url.split("#")[0], given.url.split("#")[0], "another address was sent");
    assert.equal(method.toUpperCase(), input.method.toUpperCase(), "another method was sent");
    if (given.body !== undefined) assert.equal(body, given.body, "another body was sent");
    assert.equal(own, input.headers === "own authorization", "the caller's own Authorization");
  }
  if (input.headers === "own authorization")
    assert.ok(!sent.some(({ token }) => token), "two authorizations");
}

const BODY = "body of the request";

/** Builds the arguments of a call, and records their contents at that time. @param {any} input */
function objects(input) {
  const { kind, address, method } = input;
  /** @type {any} */
  const given = { thrown: new Error("toString threw"), target: { href: address } };
  const hasBody = method.toUpperCase() !== "GET" && input.body !== "none";
  const bytes = new TextEncoder().encode(BODY);
  /** @type {Record<string, () => any>} */
  const bodies = {
    text: () => BODY,
    bytes: () => bytes,
    form: () => new URLSearchParams({ of: BODY }),
    blob: () => new Blob([BODY]),
    stream: () => new Blob([BODY]).stream(),
    none: () => undefined,
  };
  given.bytes = bytes;
  given.form = input.body === "form" ? bodies.form?.() : undefined;
  const body = hasBody ? (given.form ?? bodies[input.body]?.()) : undefined;
  given.body = hasBody ? (input.body === "form" ? String(given.form) : BODY) : "";
  given.headers = headersOf(input.headers);
  given.init = { method, headers: given.headers, ...(body !== undefined && { body, duplex: "half" }) };
  try {
    given.url = new URL(address).href;
  } catch {
    // The address is invalid.
  }
  given.resource = resourceOf(kind, address, given);
  return given;
}

/** @param {string} kind @returns {any} */
function headersOf(kind) {
  switch (kind) {
    case "object":
      return { "x-own": "1" };
    case "Headers":
      return new Headers({ "x-own": "1" });
    case "list":
      return [["x-own", "1"]];
    case "own authorization":
      return { authorization: "Basic own" };
    default:
      return undefined;
  }
}

/** @param {string} kind @param {string} address @param {any} given @returns {any} */
function resourceOf(kind, address, given) {
  const { target } = given;
  if (given.url === undefined && kind !== "text") return address;
  switch (kind) {
    case "URL":
      return (given.target = new URL(address));
    case "Request":
    case "Request with url": {
      try {
        const request = new Request(address);
        if (kind === "Request with url") {
          Object.defineProperty(request, "url", {
            get: () => "https://api.test/graphql",
            configurable: true,
          });
        }
        given.url = new URL(address).href;
        return request;
      } catch {
        return address;
      }
    }
    case "toString":
      return { toString: () => target.href };
    case "proxy":
      return new Proxy({ toString: () => target.href }, {});
    case "subclass": {
      given.target = new (class extends URL {})(address);
      return given.target;
    }
    case "String":
      return new String(address);
    default:
      return address;
  }
}

/** @param {any} given @param {any} change */
function apply(given, { what, to }) {
  try {
    if (what === "address") given.target.href = to;
    if (what === "method") given.init.method = "PATCH";
    if (what === "body") {
      given.bytes.fill(120);
      given.form?.set("of", "changed");
      given.init.body = "changed";
    }
    if (what === "header" || what === "own header") {
      const name = what === "header" ? "x-late" : "authorization";
      if (given.headers instanceof Headers) given.headers.set(name, "Basic own");
      else if (Array.isArray(given.headers)) given.headers.push([name, "Basic own"]);
      else if (given.headers && !("authorization" in given.headers)) given.headers[name] = "Basic own";
    }
  } catch {
    // The URL setter rejects the address.
  }
}
