// Recorded exchanges of content management systems.

import { HOUR, PASSWORD, START, failed, jwt, of, ok } from "./support.js";

/** @import { Recorded } from "./support.js" */

/** @param {string} id */
const directusTokens = (id) => ({
  access_token: `access-${id}`,
  expires: "3600000",
  refresh_token: `refresh-${id}`,
});

/** @param {number} status @param {string} name @param {string} message @returns {Recorded} */
const strapiFailure = (status, name, message) => [
  status,
  { data: null, error: { status, name, message, details: {} } },
];

/** @param {string} message @param {string} name @param {number} statusCode */
const payloadFailure = (message, name, statusCode) => failed(200, message, { name, statusCode, data: null });

export const CONTENT = [
  of({
    name: "directus",
    schema: `
      type Query { viewer: Int }
      scalar GraphQLBigInt
      enum auth_mode { json cookie session }
      type auth_tokens { access_token: String expires: GraphQLBigInt refresh_token: String }
      type Mutation {
        auth_login(email: String!, password: String!, mode: auth_mode, otp: String): auth_tokens
        auth_refresh(refresh_token: String, mode: auth_mode): auth_tokens
        auth_logout(refresh_token: String, mode: auth_mode): Boolean
      }
    `,
    options: { url: "https://cms.test/", email: "me@test", password: PASSWORD },
    endpoint: "https://cms.test/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    login: {
      url: "https://cms.test/graphql/system",
      parts: { email: "me@test", password: PASSWORD },
      response: (id) => ok({ auth_login: directusTokens(id) }),
    },
    renewal: {
      mark: "auth_refresh",
      url: "https://cms.test/graphql/system",
      parts: (id) => ({ refreshToken: `refresh-${id}` }),
      rotates: true,
      response: (id) => ok({ auth_refresh: directusTokens(id) }),
      refused: failed(401, "Invalid user credentials.", { code: "INVALID_CREDENTIALS" }),
    },
    revocation: {
      mark: "auth_logout",
      url: "https://cms.test/graphql/system",
      variables: { refreshToken: "refresh-1" },
      isAuthorized: false,
      response: { data: { auth_logout: true } },
    },
    failures: [
      [
        "a wrong password",
        failed(401, "Invalid user credentials.", { code: "INVALID_CREDENTIALS" }),
        "invalid_credentials",
      ],
      ["too many requests", failed(429, "Too many requests.", { code: "REQUESTS_EXCEEDED" }), "rate_limited"],
      [
        "too many requests in HTTP 200",
        failed(200, "Too many requests.", { code: "REQUESTS_EXCEEDED" }),
        "rate_limited",
      ],
      ["an outage", failed(503, "Unavailable.", { code: "SERVICE_UNAVAILABLE" }), "server"],
    ],
    rejections: [
      ["an expired token", failed(401, "Token expired.", { code: "TOKEN_EXPIRED" })],
      ["an expired token in HTTP 200", failed(200, "Token expired.", { code: "TOKEN_EXPIRED" })],
      ["an invalid token", failed(403, "Invalid token.", { code: "INVALID_TOKEN" })],
      ["a malformed token", failed(401, "Invalid user credentials.", { code: "INVALID_CREDENTIALS" })],
    ],
  }),
  of({
    name: "strapi",
    options: { url: "https://cms.test", identifier: "me", password: PASSWORD },
    endpoint: "https://cms.test/graphql",
    presented: ["authorization", "Bearer "],
    token: jwt,
    lifetimeMs: HOUR,
    login: {
      url: "https://cms.test/api/auth/local",
      parts: { identifier: "me", password: PASSWORD },
      response: (id) => [200, { jwt: jwt(id), refreshToken: `refresh-${id}`, user: { id: 1 } }],
    },
    renewal: {
      mark: "/api/auth/refresh",
      url: "https://cms.test/api/auth/refresh",
      parts: (id) => ({ refreshToken: `refresh-${id}` }),
      rotates: false,
      response: (id) => [200, { jwt: jwt(id) }],
      refused: strapiFailure(401, "UnauthorizedError", "Invalid refresh token"),
    },
    revocation: {
      mark: "/api/auth/logout",
      url: "https://cms.test/api/auth/logout",
      variables: {},
      isAuthorized: true,
      response: { ok: true },
    },
    failures: [
      [
        "a wrong password",
        strapiFailure(400, "ValidationError", "Invalid identifier or password"),
        "invalid_credentials",
      ],
      ["too many requests", strapiFailure(429, "RateLimitError", "Too many requests"), "rate_limited"],
      ["an outage", [503, {}], "server"],
    ],
    rejections: [
      ["status 401", strapiFailure(401, "UnauthorizedError", "Missing or invalid credentials")],
      ["a code in HTTP 200", failed(200, "Invalid token.", { code: "UNAUTHENTICATED" })],
    ],
  }),
  of({
    name: "payload",
    schema: `
      type Query { viewer: Int }
      type LoginResult { exp: Int token: String }
      type RefreshResult { exp: Int refreshedToken: String strategy: String }
      type Mutation {
        loginEditor(email: String!, password: String): LoginResult
        refreshTokenEditor: RefreshResult
        logoutEditor(allSessions: Boolean): String
      }
    `,
    options: { url: "https://cms.test", collection: "Editor", email: "me@test", password: PASSWORD },
    optional: ["collection"],
    endpoint: "https://cms.test/api/graphql",
    presented: ["authorization", "JWT "],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    login: {
      url: "https://cms.test/api/graphql",
      parts: { email: "me@test", password: PASSWORD },
      response: (id) => ok({ loginEditor: { token: `access-${id}`, exp: START + 3600 } }),
    },
    renewal: {
      mark: "refreshTokenEditor",
      url: "https://cms.test/api/graphql",
      parts: () => ({}),
      rotates: true,
      authorization: ["JWT access-1", "JWT access-r1"],
      response: (id) => ok({ refreshTokenEditor: { refreshedToken: `access-${id}`, exp: START + 3600 } }),
      refused: payloadFailure("You are not allowed to perform this action.", "Forbidden", 403),
    },
    revocation: {
      mark: "logoutEditor",
      url: "https://cms.test/api/graphql",
      variables: {},
      isAuthorized: true,
      response: { data: { logoutEditor: "Logged out successfully." } },
    },
    failures: [
      [
        "a wrong password",
        payloadFailure("The email or password provided is incorrect.", "AuthenticationError", 401),
        "invalid_credentials",
      ],
      [
        "a locked account",
        payloadFailure(
          "This user is locked due to having too many failed login attempts.",
          "LockedAuth",
          401,
        ),
        "invalid_credentials",
      ],
      ["too many requests", [429, {}], "rate_limited"],
    ],
    rejections: [
      ["status 401", [401, {}]],
      ["status 401 in the extensions", payloadFailure("Unauthorized", "UnauthorizedError", 401)],
    ],
  }),
  of({
    name: "keystone",
    schema: `
      type Query { viewer: Int }
      union AuthorAuthenticationWithPasswordResult =
        AuthorAuthenticationWithPasswordSuccess | AuthorAuthenticationWithPasswordFailure
      type Author { id: ID! }
      type AuthorAuthenticationWithPasswordSuccess { sessionToken: String! item: Author! }
      type AuthorAuthenticationWithPasswordFailure { message: String! }
      type Mutation {
        endSession: Boolean!
        authenticateAuthorWithPassword(name: String!, secret: String!): AuthorAuthenticationWithPasswordResult
      }
    `,
    options: {
      endpoint: "https://cms.test/api/graphql",
      list: "Author",
      identityField: "name",
      identity: "me",
      secretField: "secret",
      password: PASSWORD,
    },
    optional: ["list", "identityField", "secretField"],
    endpoint: "https://cms.test/api/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `Fe26.2**${id}`,
    lifetimeMs: 8 * HOUR,
    login: {
      url: "https://cms.test/api/graphql",
      parts: { identity: "me", secret: PASSWORD },
      response: (id) =>
        ok({
          authenticateAuthorWithPassword: {
            __typename: "AuthorAuthenticationWithPasswordSuccess",
            sessionToken: `Fe26.2**${id}`,
          },
        }),
    },
    revocation: {
      mark: "endSession",
      url: "https://cms.test/api/graphql",
      variables: {},
      isAuthorized: true,
      response: { data: { endSession: true } },
    },
    failures: [
      [
        "a wrong password",
        ok({ authenticateAuthorWithPassword: { __typename: "AuthorAuthenticationWithPasswordFailure" } }),
        "invalid_credentials",
      ],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [["status 401", [401, {}]]],
  }),
  of({
    name: "wpgraphqlJwt",
    schema: `
      type Query { viewer: Int }
      input LoginInput { clientMutationId: String, username: String!, password: String! }
      input RefreshJwtAuthTokenInput { clientMutationId: String, jwtRefreshToken: String! }
      type LoginPayload { authToken: String refreshToken: String }
      type RefreshJwtAuthTokenPayload { authToken: String }
      type Mutation {
        login(input: LoginInput!): LoginPayload
        refreshJwtAuthToken(input: RefreshJwtAuthTokenInput!): RefreshJwtAuthTokenPayload
      }
    `,
    options: { endpoint: "https://blog.test/graphql", username: "me", password: PASSWORD },
    endpoint: "https://blog.test/graphql",
    presented: ["authorization", "Bearer "],
    token: jwt,
    lifetimeMs: HOUR,
    login: {
      url: "https://blog.test/graphql",
      parts: { username: "me", password: PASSWORD },
      response: (id) => ok({ login: { authToken: jwt(id), refreshToken: `refresh-${id}` } }),
    },
    renewal: {
      mark: "refreshJwtAuthToken",
      url: "https://blog.test/graphql",
      parts: (id) => ({ refreshToken: `refresh-${id}` }),
      rotates: false,
      response: (id) => ok({ refreshJwtAuthToken: { authToken: jwt(id) } }),
      refused: failed(200, "The provided refresh token is invalid"),
    },
    failures: [
      ["a wrong password", failed(200, "incorrect_password", { category: "user" }), "invalid_credentials"],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      [
        "an expired token",
        failed(403, "Internal server error", { debugMessage: "invalid-jwt | Expired token" }),
      ],
    ],
  }),
];
