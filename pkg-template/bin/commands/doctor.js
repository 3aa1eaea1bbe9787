/** The command `doctor`, which checks what a token needs, and names what is wrong and what to do. @module */

import { UsageError } from "../errors.js";
import { PROVIDER_FLAGS } from "../provider-flags.js";
import { skipped, statusOfChecks, textOf, worst } from "../doctor/checks.js";
import { checkApiCors, checkBroker } from "../doctor/cors.js";
import { checkCredentials, checkOptions, notChecked } from "../doctor/credentials.js";
import { checkEndpoint } from "../doctor/endpoint.js";
import { checkPage } from "../doctor/page.js";
import { checkStore, storeOf } from "../doctor/store.js";

/** @import { Arguments } from "../args.js" */
/** @import { Command } from "../main.js" */
/** @import { Check } from "../doctor/checks.js" */

/** @type {Command} */
export const doctor = {
  about: "check options, endpoint, clock, credentials, store, broker and page, and tell what to do",
  flags: {
    ...PROVIDER_FLAGS,
    store: {
      value: "PLACE",
      about: "a folder, or redis://HOST:PORT, or rediss: for TLS: an entry is written and removed",
    },
    "store-env": {
      value: "NAME",
      about: "the same: the variable that holds it, as an address with a password",
    },
    broker: { value: "URL", about: "a broker: may pages of --origin request tokens from it?" },
    origin: {
      value: "ORIGIN",
      about: "the origin of the pages, as in https://shop.example (default: that of --page)",
    },
    page: {
      value: "URL",
      about: "a page: does its Content-Security-Policy allow WebAssembly and the requests?",
    },
  },
  text: `Checks what the flags name, and prints a line for each: ok, warning, failure or skipped, and what to do. With
--provider or --profile: the options; the endpoint, by a query without credentials; the clock; and, if that is GraphQL,
the credentials, by one request for a token, which is not printed. No secret is printed either.

With --json: {"status", "checks": [{"name", "status", "message", "remedy", "code", "retryable"}]}.
Ends with 0 without a failure, 2 if only the options are wrong, 75 if all failures may pass, and 1 otherwise.`,
  examples: [
    "graphql-token-manager doctor --provider fluz --environment sandbox --scopes LIST_OFFERS --store ~/.cache/tokens",
    "graphql-token-manager doctor --page https://shop.example/ --broker https://api.shop.example/token",
    "graphql-token-manager doctor --store redis://127.0.0.1:6379",
  ],
  async run({ args, json, print }) {
    const places = placesOf(args);
    /** @type {Check[]} */
    const checks = [];
    /** @param {readonly Check[]} found */
    const report = (found) => {
      checks.push(...found);
      if (!json) found.forEach((check) => print(textOf(check)));
    };
    const endpoint = (await checkProvider(args, report)) ?? places.endpoint;
    const { store, broker, origin, page } = places;
    if (store !== undefined) report(await checkStore(store));
    if (broker) report(await checkBroker(broker, origin ?? new URL(broker).origin));
    if (endpoint && origin) report([await checkApiCors(endpoint, origin)]);
    const targets = [broker, endpoint].filter((url) => url !== undefined);
    if (page) report(await checkPage(page, targets));
    if (json) print(JSON.stringify({ status: worst(checks), checks }));
    return statusOfChecks(checks);
  },
};

/**
 * Returns the addresses that the flags name.
 *
 * @param {Arguments} args
 * @throws {UsageError}
 */
function placesOf(args) {
  const [broker, page, endpoint] = ["broker", "page", "endpoint"].map((flag) => addressOf(args, flag)?.href);
  const store = storeOf(args);
  const isOther = [broker, page, store].some((place) => place !== undefined);
  if (!isOther && !args.has("provider") && !args.has("profile")) {
    throw new UsageError("doctor needs --provider, --profile, --store, --broker or --page");
  }
  const origin = addressOf(args, "origin")?.origin ?? (page && new URL(page).origin);
  return { store, broker, page, endpoint, origin };
}

/**
 * @param {Arguments} args
 * @param {string} flag
 */
function addressOf(args, flag) {
  const text = args.one(flag);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // `--endpoint` is checked with the options.
  if (flag === "endpoint" || (url && /^https?:$/.test(url.protocol) && url.username === "")) return url;
  throw new UsageError(`--${flag} takes an address with https: or http:, and without a user name`);
}

/**
 * Checks the options, the endpoint, the clock and the credentials.
 *
 * @param {Arguments} args
 * @param {(checks: readonly Check[]) => void} report
 * @returns {Promise<string | undefined>} the address of the endpoint
 */
async function checkProvider(args, report) {
  if (!args.has("provider") && !args.has("profile")) return undefined;
  const { checks, options, url } = await checkOptions(args);
  report(checks);
  if (!options || !url) {
    report([
      skipped("endpoint", "not checked, because the options are wrong"),
      notChecked("the options are wrong"),
    ]);
    return undefined;
  }
  const endpoint = await checkEndpoint(url);
  report(endpoint.checks);
  report([
    endpoint.isGraphql
      ? await checkCredentials(options, url)
      : notChecked("the endpoint does not answer as GraphQL"),
  ]);
  return url;
}
