/**
 * Helpers for the tests of the sandbox: requests over HTTP, and a stopped clock.
 *
 * @module
 */

export { sandboxFor } from "../support/setup.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/**
 * Returns a clock that moves only by `advance`.
 */
export function stoppedClock(at = Date.UTC(2030, 0, 31, 12)) {
  let time = at;
  return {
    now: () => time,
    /** @param {number} ms */
    advance: (ms) => {
      time += ms;
    },
  };
}

/**
 * Sends one request.
 * @param {string} endpoint
 * @param {string} query
 * @param {Record<string, unknown>} [variables]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ status: number, headers: Headers, body: any }>}
 */
export async function ask(endpoint, query, variables = {}, headers = {}) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** @param {string} token */
export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** @param {Sandbox} sandbox */
export const fluzKey = ({ fluz }) => ({ authorization: `Basic ${fluz.apiKey}` });

export const GENERATE = /* GraphQL */ `
  mutation ($userId: UUID!, $accountId: UUID!, $scopes: [ScopeType!]!, $seatId: UUID) {
    generateUserAccessToken(userId: $userId, accountId: $accountId, scopes: $scopes, seatId: $seatId) {
      token
      refreshToken
      scopes
    }
  }
`;

/**
 * Makes a grant at Fluz.
 * @param {Sandbox} sandbox
 * @param {string[]} [scopes]
 * @returns {Promise<{ token: string, refreshToken: string, scopes: string[] }>}
 */
export async function generate(sandbox, scopes = ["LIST_OFFERS"]) {
  const { userId, accountId, endpoint } = sandbox.fluz;
  const { body } = await ask(endpoint, GENERATE, { userId, accountId, scopes }, fluzKey(sandbox));
  return body.data.generateUserAccessToken;
}

/**
 * @param {Sandbox} sandbox
 * @param {string} refreshToken
 */
export function refresh(sandbox, refreshToken) {
  const query =
    "mutation ($r: String!) { refreshUserAccessToken(refreshToken: $r) { token refreshToken scopes } }";
  return ask(sandbox.fluz.endpoint, query, { r: refreshToken }, fluzKey(sandbox));
}

/**
 * @param {Sandbox} sandbox
 * @param {string} token
 */
export function offers(sandbox, token) {
  return ask(sandbox.fluz.endpoint, "{ getOffers { offerId } }", {}, bearer(token));
}

/** @param {Sandbox} sandbox */
export function logIn({ toggle }) {
  const query = "query ($u: String, $p: String!) { loginUser(username: $u, password: $p) { id } }";
  return ask(toggle.endpoint, query, { u: toggle.username, p: toggle.password });
}

/**
 * @param {Sandbox} sandbox
 * @param {string} token
 */
export function products(sandbox, token) {
  return ask(sandbox.toggle.endpoint, "{ Products(account_id: 1) { id name } }", {}, bearer(token));
}

/** @param {Sandbox} sandbox */
export const clientCredentials = ({ braintree }) => ({
  authorization: `Basic ${btoa(`${braintree.clientId}:${braintree.clientSecret}`)}`,
  "braintree-version": "2025-01-01",
});

/**
 * @param {Sandbox} sandbox
 * @param {string[]} scopes
 */
export async function createAccessToken(sandbox, scopes) {
  const query = /* GraphQL */ `
    mutation ($input: CreateOAuthAccessTokenFromClientCredentialsInput!) {
      createOAuthAccessTokenFromClientCredentials(input: $input) {
        accessToken {
          accessToken
          tokenType
          expiresAt
        }
      }
    }
  `;
  const { body } = await ask(
    sandbox.braintree.endpoint,
    query,
    { input: { scopes } },
    clientCredentials(sandbox),
  );
  return body.data.createOAuthAccessTokenFromClientCredentials.accessToken;
}

/**
 * Sends an operation to Braintree with a token.
 * @param {Sandbox} sandbox
 * @param {string} token
 * @param {string} query
 * @param {Record<string, unknown>} [variables]
 */
export function braintree(sandbox, token, query, variables) {
  return ask(sandbox.braintree.endpoint, query, variables, {
    ...bearer(token),
    "braintree-version": "2025-01-01",
  });
}

/** @param {string} jwt */
export function claims(jwt) {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
}
