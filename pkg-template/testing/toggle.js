/**
 * Toggle according to its documentation: `loginUser`, a token in the response headers, and a few operations.
 *
 * Source: developers.usetoggle.com, pages "Authentication", "Error handling", "Pagination / Throttling", "Create a
 * card".
 *
 * Undocumented behaviour, as chosen for the sandbox:
 *
 * - "Unauthorized" has HTTP status 403, unless the variant sets 200: the error format is that of a public GraphQL
 *   package for Laravel, which responds with 403. Everything else has HTTP status 200, as in that package.
 * - A wrong user name or password is "Unauthorized", too; a login with neither an email nor a user name is a
 *   validation error.
 * - After a rotation, the old token is valid until it expires, unless the variant sets otherwise.
 * - Requests beyond the throttle are not rejected, because the format of such a rejection is not documented; the
 *   figures stop at 0.
 *
 * @module
 */

import { randomUUID } from "./portable.js";
import { open } from "./provider-request.js";
import { isEmpty } from "./service.js";
import { throttle } from "./toggle-throttle.js";
import { toggleShop } from "./toggle-resolvers.js";
import { TokenRegister, numericDates, signJwt } from "./tokens.js";

/** @import { ToggleVariants } from "./index.js" */
/** @import { ProviderRequest } from "./provider-request.js" */
/** @import { Engine, HttpAnswer, Json, JsonAnswer, Provider } from "./service.js" */
/** @import { AccessToken } from "./tokens.js" */
/** @import { Outline } from "./document.js" */

/** The accepted credentials, with the email or the user name. */
export const toggleCredentials = Object.freeze({
  username: "sandbox-toggle-user",
  email: "sandbox@toggle.test",
  password: "sandbox-toggle-password",
});

const USER_ID = 1;

/**
 * @param {object} parts
 * @param {Required<ToggleVariants>} parts.variants
 * @param {number} parts.lifetimeMs
 * @param {() => number} parts.now
 * @param {Engine} parts.engine
 * @returns {Provider}
 */
export function toggle({ variants, lifetimeMs, now, engine }) {
  const { GraphQLError } = engine.graphql;
  const tokens = new TokenRegister({ lifetimeMs, now, write: (token) => signJwt(claims(token)) });
  const rejection = () => new GraphQLError(UNAUTHORIZED);
  const shop = toggleShop({ now, engine });
  const cost = throttle(now);

  return {
    name: "toggle",
    path: "/toggle/graphql",
    typeDefs: typeDefs(variants) + shop.typeDefs,
    resolvers: {
      Query: { [variants.field]: open(logIn(engine)), ...shop.queries },
      Mutation: shop.mutations,
    },
    grantFields: [variants.field],
    spellings: ["loginUser", "LoginUser"],
    grantsHold: "no scopes",
    tokens,
    rejection,
    checkRequest: () => undefined,
    finish: (answer, providerRequest, asked) => {
      rotate(providerRequest, variants, tokens, now);
      return finish(answer, providerRequest, asked, variants, cost);
    },
  };
}

const UNAUTHORIZED = "Unauthorized";

/**
 * Returns the claims that jwt-auth, the usual package for Laravel, requires.
 * @param {import("./tokens.js").Unwritten} token
 */
function claims(token) {
  const dates = numericDates(token);
  return {
    iss: "https://api.mytoggle.io/graphql",
    sub: USER_ID,
    jti: randomUUID(),
    nbf: dates.iat,
    ...dates,
  };
}

/** @param {Required<ToggleVariants>} variants */
function typeDefs({ field }) {
  return /* GraphQL */ `
    type User {
      id: Int
    }
    type Query {
      ${field}(email: String, username: String, password: String!): User
    }
  `;
}

/** @param {Engine} engine */
function logIn({ graphql: { GraphQLError } }) {
  /** @type {(args: { email?: string | null, username?: string | null, password: string }, providerRequest: ProviderRequest) => { id: number }} */
  return ({ email, username, password }, providerRequest) => {
    if (!email && !username) {
      const validation = { email: ["The email field is required when username is not present."] };
      throw new GraphQLError("validation", { extensions: { validation } });
    }
    const known =
      (!email || email === toggleCredentials.email) &&
      (!username || username === toggleCredentials.username) &&
      password === toggleCredentials.password;
    if (!known) throw providerRequest.reject("credentials");
    providerRequest.grant({ subject: String(USER_ID), scopes: [] });
    return { id: USER_ID };
  };
}

/**
 * Rotates the token of an ordinary operation, if the variant requires it.
 * @param {ProviderRequest} providerRequest
 * @param {Required<ToggleVariants>} variants
 * @param {TokenRegister} tokens
 * @param {() => number} now
 */
function rotate(providerRequest, { sliding, slidingRevokes }, tokens, now) {
  const token = providerRequest.bearer;
  if (!token || !isDue(token, sliding, now())) return;
  providerRequest.rotate(token);
  if (slidingRevokes) tokens.revoke(token.value);
}

/**
 * @param {AccessToken} token
 * @param {Required<ToggleVariants>["sliding"]} sliding
 * @param {number} now
 */
function isDue({ expiresAt, lifetimeMs }, sliding, now) {
  switch (sliding) {
    case "every":
      return true;
    case "near-expiry":
      return expiresAt - now <= lifetimeMs * NEAR;
    case "never":
      return false;
  }
}

/** The last quarter of the lifetime counts as near expiry: 15 minutes of Toggle's hour. */
const NEAR = 0.25;

/**
 * @param {JsonAnswer} answer
 * @param {ProviderRequest} providerRequest
 * @param {Outline} asked
 * @param {Required<ToggleVariants>} variants
 * @param {(fieldCount: number) => Json} cost
 * @returns {HttpAnswer}
 */
function finish({ status, headers, body }, providerRequest, asked, variants, cost) {
  const extensions = { cost: cost(asked.fieldCount) };
  const errors = body.errors?.map(toggleError);
  if (providerRequest.rejections.length > 0 && isEmpty(body)) {
    return { status: variants.unauthorizedStatus, headers, body: { errors } };
  }
  return {
    // yoga responds with 4xx to documents that cannot be executed; methods and media types are not specific to Toggle.
    status: status === 400 ? 200 : status,
    headers: { ...headers, ...tokenHeaders(providerRequest, variants) },
    body: {
      ...(body.data === undefined ? {} : { data: body.data }),
      ...(errors ? { errors } : {}),
      extensions,
    },
  };
}

/**
 * Converts an error to Toggle's format: its own keys in addition to `message` and `locations`, and nothing else.
 * @param {Json} error
 */
function toggleError({ message, locations, extensions }) {
  return {
    message,
    ...(extensions?.validation ? { validation: extensions.validation } : {}),
    ...(locations ? { locations } : {}),
    customer_facing: false,
  };
}

/**
 * @param {ProviderRequest} providerRequest
 * @param {Required<ToggleVariants>} variants
 * @returns {Record<string, string>}
 */
function tokenHeaders({ granted }, { header, bearerPrefix }) {
  const token = granted[granted.length - 1];
  if (!token) return {};
  const value = bearerPrefix ? `Bearer ${token.value}` : token.value;
  switch (header) {
    case "both":
      return { "x-authorization": value, authorization: value };
    case "x-authorization":
    case "authorization":
      return { [header]: value };
  }
}
