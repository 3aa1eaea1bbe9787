/**
 * `graphql-token-manager/testing`: a local GraphQL server with the documented behaviour of Fluz, Toggle and Braintree.
 *
 * This module has no side effects when it is imported; graphql and graphql-yoga are loaded when a sandbox is started.
 *
 * @module
 */

import { setMaxListeners } from "node:events";
import { acme, acmeCredentials } from "./acme.js";
import { answerRequest } from "./respond.js";
import { braintree, braintreeCredentials } from "./braintree.js";
import { Faults } from "./faults.js";
import { fluz, fluzCredentials } from "./fluz.js";
import { listen } from "./listener.js";
import { RequestLog } from "./log.js";
import { PROVIDERS, readFault, readOptions, wrong } from "./options.js";
import { Service } from "./service.js";
import { toggle, toggleCredentials } from "./toggle.js";

/** @import { Sandbox, SandboxOptions } from "./index.js" */
/** @import { Reply } from "./respond.js" */
/** @import { SandboxConfig } from "./options.js" */
/** @import { Engine } from "./service.js" */

export { checkStore, storeChecks } from "./store-checks.js";

/**
 * Starts a sandbox. See `index.d.ts` for the options and the result.
 * @param {SandboxOptions} [options]
 * @returns {Promise<Sandbox>}
 */
export async function startSandbox(options) {
  const config = readOptions(options);
  const engine = await loadEngine();
  const log = new RequestLog();
  const services = createServices(config, engine, log);
  const operations = new Map(services.map((service) => [service.provider.name, service.operations]));
  const faults = new Faults();
  const closing = new AbortController();
  // Every delayed request adds a listener. The default limit of ten, which detects leaks, would be exceeded under
  // load.
  setMaxListeners(0, closing.signal);

  /**
   * @param {unknown} given
   * @param {string} [key]
   */
  const addFault = (given, key = "fault") => {
    const spec = readFault(given, key);
    const known = (spec.provider ? [spec.provider] : PROVIDERS).flatMap((name) => operations.get(name) ?? []);
    // A fault that no request can match is a mistake in the test, so it is rejected at once.
    if (spec.operation === undefined || known.includes(spec.operation)) return faults.add(spec);
    throw wrong(`${key}.operation`, "names no operation", `write one of ${[...new Set(known)].join(", ")}`);
  };
  config.faults.forEach((spec, index) => addFault(spec, `faults[${index}]`));

  const { now } = config;
  const byPath = new Map(services.map((service) => [service.provider.path, service]));
  const listener = await listen({
    port: config.port,
    responseHeaders: config.exposeHeaders ? "exposed" : "hidden",
    respond: async (request) => {
      const service = byPath.get(request.url.pathname);
      if (!service) return notFound([...byPath.keys()], now());
      return answerRequest(service, request, { faults, log, now, closing: closing.signal });
    },
  });
  /** @type {Promise<void> | undefined} */
  let closed;
  const close = () => {
    closing.abort();
    closed ??= listener.close();
    return closed;
  };
  const { url } = listener;
  return {
    url,
    fluz: { endpoint: `${url}/fluz/graphql`, ...fluzCredentials },
    toggle: { endpoint: `${url}/toggle/graphql`, ...toggleCredentials },
    braintree: { endpoint: `${url}/braintree/graphql`, ...braintreeCredentials },
    acme: { endpoint: `${url}/acme/graphql`, ...acmeCredentials },
    requests: () => log.requests(),
    counts: () => log.counts(),
    fault: (spec) => addFault(spec),
    revoke: (token) => revoke(services, token),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** @returns {Promise<Engine>} */
async function loadEngine() {
  try {
    const [graphql, yoga] = await Promise.all([import("graphql"), import("graphql-yoga")]);
    return { graphql, yoga };
  } catch (cause) {
    const missing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    if (!missing) throw cause;
    const remedy = "npm install --save-dev graphql graphql-yoga";
    throw new Error(
      `startSandbox needs the packages graphql and graphql-yoga, which are optional; ${remedy}`,
      { cause },
    );
  }
}

/**
 * @param {SandboxConfig} config
 * @param {Engine} engine
 * @param {RequestLog} log
 */
function createServices({ lifetimes, variants, now }, engine, log) {
  const providers = [
    fluz({ variants: variants.fluz, lifetimeMs: lifetimes.fluz, now, engine }),
    toggle({ variants: variants.toggle, lifetimeMs: lifetimes.toggle, now, engine }),
    braintree({ variants: variants.braintree, lifetimeMs: lifetimes.braintree, now, engine }),
    acme({ lifetimeMs: lifetimes.acme, now, engine }),
  ];
  return providers.map((provider) => new Service(provider, engine, (what) => log.count(provider.name, what)));
}

/**
 * @param {readonly Service[]} services
 * @param {unknown} token
 */
function revoke(services, token) {
  if (token !== undefined && typeof token !== "string") {
    throw wrong("revoke(token)", "is not a string", "write an access or refresh token, or nothing for all");
  }
  return services.reduce((count, { provider: { tokens } }) => {
    return count + (token === undefined ? tokens.revokeAll() : tokens.revoke(token));
  }, 0);
}

/**
 * @param {readonly string[]} paths
 * @param {number} now
 * @returns {Reply}
 */
function notFound(paths, now) {
  return {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8", date: new Date(now).toUTCString() },
    body: `No such path. This is the sandbox of graphql-token-manager; its endpoints are ${paths.join(", ")}.\n`,
    sent: "whole",
  };
}
