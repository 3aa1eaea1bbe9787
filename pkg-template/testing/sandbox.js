/**
 * The sandbox without its server: the simulated APIs, their faults and counts, for any platform.
 *
 * @module
 */

import { acme, acmeCredentials } from "./acme.js";
import { answerRequest } from "./respond.js";
import { braintree, braintreeCredentials } from "./braintree.js";
import { Faults } from "./faults.js";
import { fluz, fluzCredentials } from "./fluz.js";
import { RequestLog } from "./log.js";
import { PROVIDERS, readFault, wrong } from "./options.js";
import { Service } from "./service.js";
import { toggle, toggleCredentials } from "./toggle.js";

/** @import { Reply } from "./respond.js" */
/** @import { SandboxConfig } from "./options.js" */
/** @import { Engine, HttpRequest } from "./service.js" */

/**
 * Creates the APIs of a sandbox. It performs no I/O: `respond` converts a request to a response.
 *
 * @param {SandboxConfig} config
 * @param {Engine} engine
 * @param {(ms: number) => Promise<unknown>} sleep Resolves after a delay, and rejects when the sandbox is closed.
 */
export function createApis(config, engine, sleep) {
  const log = new RequestLog();
  const services = createServices(config, engine, log);
  const operations = new Map(services.map((service) => [service.provider.name, service.operations]));
  const faults = new Faults();

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
  return {
    /**
     * @param {HttpRequest} request
     * @returns {Promise<Reply | undefined>} Undefined if the connection must be closed without a response.
     */
    respond: async (request) => {
      const service = byPath.get(request.url.pathname);
      if (!service) return notFound([...byPath.keys()], now());
      return answerRequest(service, request, { faults, log, now, sleep });
    },
    /** Returns the endpoints and credentials. @param {string} url The origin of the endpoints. */
    accounts: (url) => ({
      fluz: { endpoint: `${url}/fluz/graphql`, ...fluzCredentials },
      toggle: { endpoint: `${url}/toggle/graphql`, ...toggleCredentials },
      braintree: { endpoint: `${url}/braintree/graphql`, ...braintreeCredentials },
      acme: { endpoint: `${url}/acme/graphql`, ...acmeCredentials },
    }),
    requests: () => log.requests(),
    counts: () => log.counts(),
    fault: (/** @type {unknown} */ spec) => addFault(spec),
    revoke: (/** @type {unknown} */ token) => revoke(services, token),
  };
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
