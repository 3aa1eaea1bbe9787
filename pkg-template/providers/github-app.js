// GitHub Apps: tokens of an installation, which live for an hour, for the GraphQL API.
//
// Sources (December 2026): github/docs, pages generating-an-installation-access-token-for-a-github-app,
// generating-a-json-web-token-jwt-for-a-github-app, rate-limits-for-the-rest-api and
// rate-limits-and-query-limits-for-the-graphql-api; src/hook.ts of octokit/auth-app.js. GHE.com: gitify-app/gitify#2560.
// Reported: the errors of a rate limit in GraphQL, `type: "RATE_LIMITED"` (octokit/plugin-throttling.js) and later
// `type: "RATE_LIMIT"` with `code: "graphql_rate_limit"` (yanyongyu/githubkit#271); 401 for a new token in its first seconds
// (octokit/auth-app.js#65). Assumed: 404 for an unknown installation, and the messages of rejected JWTs.
// Not described: the delay of such a request, `x-ratelimit-reset`, and revocation, which is a request with DELETE.

import { checkOptions } from "./options.js";
import { checkPrivateKey, signedJwt } from "./signed-jwt.js";

/** @import { Answer, Profile } from "graphql-token-manager" */
/** @import { GithubAppOptions } from "./index.js" */

/**
 * The times of the JWT, in seconds from now. GitHub accepts an end of ten minutes from now at most, so both permit a clock that
 * is fast by a minute.
 */
const JWT_START = -60;
const JWT_END = 9 * 60;

/**
 * @param {GithubAppOptions} options
 * @returns {Profile}
 */
export function githubApp(options) {
  const { privateKey, ...others } = options ?? {};
  checkOptions("githubApp", others, "clientId? appId? installationId url?");
  checkPrivateKey("githubApp", "privateKey", privateKey, "RS256");
  const { clientId, appId, installationId, url = "https://api.github.com" } = others;
  if ((clientId === undefined) === (appId === undefined)) {
    throw new TypeError("githubApp() takes either the option `clientId` or the option `appId`");
  }
  // It becomes a part of the address that the JWT is sent to.
  if (!/^\d+$/.test(installationId)) {
    throw new TypeError("option `installationId` of githubApp() must be a text of digits");
  }
  const { rest, endpoint } = addressesOf(url);
  const bearer = async () => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iat: now + JWT_START, exp: now + JWT_END, iss: clientId ?? appId };
    return signedJwt(typeof privateKey === "function" ? await privateKey() : privateKey, "RS256", {}, claims);
  };
  return {
    name: "github",
    endpoint,
    // Required by GitHub; the `fetch` of some runtimes sends none.
    headers: { "User-Agent": "graphql-token-manager" },
    authenticate: {
      endpoint: `${rest}/app/installations/${installationId}/access_tokens`,
      json: {},
      authorization: { bearer },
    },
    token: { data: "token" },
    expiry: { expiresAt: "expires_at" },
    // 403: a suspended installation; 404: one of another application, or none.
    denied: { statuses: [401, 403, 404, 422] },
    throttled: { when: isRateLimited },
  };
}

/**
 * Returns the URLs of the REST API and of the GraphQL API.
 *
 * @param {string} url
 */
function addressesOf(url) {
  const { origin, hostname, href } = URL.canParse(url)
    ? new URL(url)
    : { origin: "", hostname: "", href: "" };
  const isCloud = /^api\.(github|[\w-]+\.ghe)\.com$/.test(hostname);
  // github.com and SUBDOMAIN.ghe.com have web pages only.
  const hasApi = isCloud || !/(^|\.)(github|ghe)\.com$/.test(hostname);
  if (!hasApi || href !== `${origin}/`) {
    throw new TypeError(
      "option `url` of githubApp() must be the origin of a GitHub Enterprise Server, or that of an API as https://api.github.com, without a path",
    );
  }
  return isCloud
    ? { rest: origin, endpoint: `${origin}/graphql` }
    : { rest: `${origin}/api/v3`, endpoint: `${origin}/api/graphql` };
}

/** Returns whether a response is a rate limit: status 403 has other meanings as well. @param {Answer} answer */
function isRateLimited({ status, headers, errors, body }) {
  const isStated = headers.get("x-ratelimit-remaining") === "0" || headers.get("retry-after") !== null;
  return ((status === 403 || status === 429) && isStated) || [body, ...errors].some(isRateLimit);
}

/** Returns whether a body of the REST API, or an error of GraphQL, is a rate limit. @param {any} error */
const isRateLimit = (error) =>
  /^RATE_LIMIT(ED)?$/.test(error?.type) ||
  error?.code === "graphql_rate_limit" ||
  // It may have neither of the headers, and has status 200 as well.
  /\bsecondary rate limit/i.test(error?.message);
