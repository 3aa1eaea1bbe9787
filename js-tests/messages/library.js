/**
 * Calls of the package that fail with a message made in JavaScript, one for each message. `src` has those of the core.
 *
 * @module
 */

import { createClient } from "redis";
import { createBroker } from "graphql-token-manager/broker";
import { instrument } from "graphql-token-manager/otel";
import { requiredScopes } from "graphql-token-manager/scopes";
import { encrypted } from "graphql-token-manager/stores/encrypted";
import { fileStore } from "graphql-token-manager/stores/file";
import { redisStore } from "graphql-token-manager/stores/redis";
import { startSandbox } from "graphql-token-manager/testing";
import { TokenManager } from "graphql-token-manager";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @typedef {{ tokens: any, sandbox: Sandbox }} Given A manager of the sandbox's Fluz. */
/** Throws or rejects. @typedef {(given: Given) => unknown} Failing */

const authorize = () => ({});
const types = { kind: "Document", definitions: [{ kind: "ObjectTypeDefinition" }] };

/** @param {any[]} args @returns {Failing} */
const request =
  (...args) =>
  ({ tokens }) =>
    tokens.request(...args);

/** @param {any} selector @returns {Failing} */
const session =
  (selector) =>
  ({ tokens }) =>
    tokens.session(selector).getToken();

/** @param {any} options @returns {Failing} */
const broker =
  (options) =>
  ({ tokens }) =>
    createBroker(tokens, options);

/** @param {any} document @param {any} [provider] @param {any} [options] @returns {Failing} */
const scopes =
  (document, provider = "fluz", options = undefined) =>
  () =>
    requiredScopes(document, provider, options);

/** @param {any} options @returns {Failing} */
const start = (options) => () => startSandbox(options);

/** @param {any} spec @returns {Failing} */
const fault =
  (spec) =>
  ({ sandbox }) =>
    sandbox.fault(spec);

/** @type {Record<string, Record<string, Failing>>} */
export const FAILING_CALLS = {
  "managers and sessions": {
    "a closed manager": async ({ sandbox }) => {
      const tokens = new TokenManager(
        /** @type {any} */ ({ ...sandbox.fluz, provider: "fluz", scopes: ["A"] }),
      );
      await tokens.close();
      return tokens.getToken();
    },
    "a closed session": async ({ tokens }) => {
      const closed = tokens.session({ userId: "0ec0de00-0000-4000-8000-00000000000a" });
      await closed.close();
      return closed.getToken();
    },
    "an unknown event": ({ tokens }) => tokens.on("tokens", () => {}),
    "a listener that is not a function": ({ tokens }) => tokens.on("token", {}),
    "a rejected token that is not a string": ({ tokens }) => tokens.invalidate(5),
    "a signal that is not one": ({ tokens }) => tokens.getToken({ signal: {} }),
    "a selector that is an instance": session(new Map()),
    "a selector that is a string": session("{}"),
    "a selector that is missing": session(undefined),
    "a selector with an undefined member": session({ userId: undefined }),
    "a shared manager without a key": () => TokenManager.shared("", /** @type {any} */ ({})),
    "a shared manager with a function and no identity": () =>
      TokenManager.shared("messages", /** @type {any} */ ({ provider: "toggle", password: () => "x" })),
  },
  "tokens.fetch": {
    "another origin": ({ tokens }) => tokens.fetch("https://other.test/graphql"),
    "an address that is not absolute": ({ tokens }) => tokens.fetch("/graphql"),
    "credentials in the address": ({ tokens }) => tokens.fetch("https://user:word@api.test/"),
  },
  "tokens.request": {
    "no document": request(),
    "an empty document": request(" "),
    "a number as the document": request(7),
    "a document of types": request(types),
    "a list as variables": request("{ a }", [1]),
    "a bigint in variables": request("{ a }", { id: 1n }),
    "an unknown option": request("{ a }", {}, { planted: 1 }),
    "a limit of zero": request("{ a }", {}, { maxResponseBytes: 0 }),
    "a number as options": request("{ a }", {}, 7),
    "a number as the operation's name": request("{ a }", {}, { operationName: 7 }),
    "a function for scopes that returns a string": request("{ a }", {}, { scopes: () => "A" }),
  },
  createBroker: {
    "a manager that is not one": () => createBroker(/** @type {any} */ ({}), { authorize }),
    "no options": broker(undefined),
    "an unknown option": broker({ authorize, allowedOrigin: [] }),
    "allowed origins that are not a list": broker({ authorize, allowedOrigins: "https://app.test" }),
    "an allowed origin that is a pattern": broker({ authorize, allowedOrigins: ["*"] }),
    "an origin with a path": broker({ authorize, origin: "https://app.test/path" }),
    "a subject that is not a function": broker({ authorize, subject: "planted" }),
    "an error listener that is not a function": broker({ authorize, onError: "planted" }),
    "a rate limit that is a flag": broker({ authorize, rateLimit: true }),
    "a rate limit of zero": broker({ authorize, rateLimit: { requests: 0 } }),
  },
  instrument: {
    "an unknown option": () => instrument(/** @type {any} */ ({ tracer: 1 })),
    "no manager where there are no channels": () => {
      const { getBuiltinModule } = process;
      try {
        process.getBuiltinModule = /** @type {any} */ (undefined);
        instrument();
      } finally {
        process.getBuiltinModule = getBuiltinModule;
      }
    },
  },
  requiredScopes: {
    "an unknown provider": scopes("{ a }", "Fluz"),
    "a number as the document": scopes(1),
    "a document that ends too early": scopes("{\n  getWallet {"),
    "a document without an operation": scopes("fragment A on Query { a }"),
    "a fragment that is not defined": scopes("{ ...Missing }"),
    "an operation that does not exist": scopes("query A { getWallet } query B { getWallet }", "fluz", {
      operationName: "C",
    }),
    "an operation of a document without names": scopes("{ getWallet }", "fluz", { operationName: "A" }),
    "an unknown option": scopes("{ getWallet }", "fluz", { operationname: "A" }),
    "variables that are a list": scopes("{ getWallet }", "fluz", { variables: [] }),
    "options that are a string": scopes("{ getWallet }", "fluz", "A"),
    "a field without published scopes": scopes("mutation { deleteCustomer { a } voidAll }", "braintree"),
    "too many levels": scopes(`${"{ a ".repeat(501)}${"}".repeat(501)}`),
  },
  stores: {
    "a folder that is not a string": () => fileStore(/** @type {any} */ ({})),
    "a Redis client that is not connected": () =>
      redisStore(createClient({ url: "redis://127.0.0.1:12" })).get("key"),
    "a Redis client that is not one": () => redisStore(/** @type {any} */ ({})),
    "a Redis prefix with a hash tag": () =>
      redisStore(/** @type {any} */ ({ call: async () => null }), { prefix: "{}" }),
    "an encryption key that is too short": () => encrypted(/** @type {any} */ (new Map()), "short"),
    "an encryption key of equal bytes": () => encrypted(/** @type {any} */ (new Map()), new Uint8Array(32)),
    "no store to encrypt": () => encrypted(/** @type {any} */ ({}), "A".repeat(43)),
    "an entry of more than a mebibyte": () =>
      fileStore({ path: "/nonexistent" }).set("key", "x".repeat(2 ** 20 + 1), Date.now() + 60_000),
  },
  startSandbox: {
    "options that are null": start(null),
    "options that are a string": start("fluz"),
    "an unknown option": start({ ports: 1 }),
    "an inherited name": start({ toString: 1 }),
    "a port that is a string": start({ port: "80" }),
    "a port out of range": start({ port: 65_536 }),
    "lifetimes that are a number": start({ lifetimes: 1_000 }),
    "a lifetime that is a string": start({ lifetimes: { fluz: "10s" } }),
    "a lifetime of zero": start({ lifetimes: { fluz: 0 } }),
    "a lifetime that is a fraction": start({ lifetimes: { toggle: 1.5 } }),
    "a lifetime that is NaN": start({ lifetimes: { braintree: NaN } }),
    "a lifetime that is not finite": start({ lifetimes: { braintree: Infinity } }),
    "a lifetime of an unknown provider": start({ lifetimes: { stripe: 1 } }),
    "an unknown value of a variant": start({ variants: { fluz: { tokenField: "jwt" } } }),
    "a variant that is not a flag": start({ variants: { fluz: { rotation: "no" } } }),
    "a variant that is another number": start({ variants: { toggle: { unauthorizedStatus: 401 } } }),
    "an unknown variant": start({ variants: { toggle: { headers: "both" } } }),
    "variants of a provider without any": start({ variants: { acme: {} } }),
    "a flag that is a number": start({ exposeHeaders: 1 }),
    "a clock that is a number": start({ now: 5 }),
    "faults that are not a list": start({ faults: { kind: "html" } }),
    "a fault without a kind": start({ faults: [{ kind: "html" }, {}] }),
  },
  "sandbox.fault": {
    nothing: fault(undefined),
    "an unknown kind": fault({ kind: "lag" }),
    "an inherited name as the kind": fault({ kind: "toString" }),
    "no duration": fault({ kind: "delay" }),
    "a duration that is too long": fault({ kind: "delay", ms: 2 ** 31 }),
    "an unknown moment": fault({ kind: "drop", when: "during" }),
    "a member of another kind": fault({ kind: "html", status: 500 }),
    "an unknown provider": fault({ kind: "html", provider: "stripe" }),
    "no requests": fault({ kind: "html", times: 0 }),
    "an unknown operation": fault({ kind: "html", operation: "generateToken" }),
    "an operation of another provider": fault({ kind: "html", operation: "marco", provider: "toggle" }),
    "a status out of range": fault({ kind: "status", status: 42 }),
    "a Retry-After with a line break": fault({ kind: "status", status: 503, retryAfter: "a\nb" }),
    "no offset": fault({ kind: "date" }),
    "scopes that are a string": fault({ kind: "narrow", scopes: "LIST_OFFERS" }),
    "a scope that is a number": fault({ kind: "narrow", scopes: [1] }),
    "scopes of a provider without scopes": fault({ kind: "narrow", scopes: [], provider: "toggle" }),
    "a token with a NUL": fault({ kind: "bad-token", value: "a\0b" }),
    "a body that is too large": fault({ kind: "oversize", bytes: 2 ** 40 }),
  },
};
