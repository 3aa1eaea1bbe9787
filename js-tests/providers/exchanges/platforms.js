// Recorded exchanges of platforms and of authentication for frameworks.

import { generateKeyPairSync } from "node:crypto";

import { HOUR, PASSWORD, START, YEAR, failed, jwt, of, ok } from "./support.js";

/** @import { Recorded } from "./support.js" */

/** @param {string} code */
const kraken = (code) =>
  failed(200, "Invalid data.", {
    errorType: "VALIDATION",
    errorCode: code,
    errorDescription: "d",
    errorClass: "VALIDATION",
  });

/** @param {string} id */
const strawberryTokens = (id) => ({
  success: true,
  errors: null,
  token: { token: `access-${id}`, payload: { exp: new Date((START + 3600) * 1000).toISOString() } },
  refreshToken: { token: `refresh-${id}` },
});

/** @param {string} message @param {string} code */
const strawberryFailure = (message, code) => ({
  success: false,
  errors: { nonFieldErrors: [{ message, code }] },
  token: null,
  refreshToken: null,
});

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A response of GitHub's REST API. @param {string} message */
const github = (message) => ({ message, documentation_url: "https://docs.github.com/rest" });

export const PLATFORMS = [
  of({
    name: "githubApp",
    options: {
      clientId: "Iv23liExample",
      installationId: "12345678",
      privateKey: `${privateKey.export({ type: "pkcs1", format: "pem" })}`,
    },
    endpoint: "https://api.github.com/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `ghs_${id}`,
    lifetimeMs: HOUR,
    limited: [200, { errors: [{ type: "RATE_LIMITED", message: "API rate limit exceeded." }] }],
    login: {
      url: "https://api.github.com/app/installations/12345678/access_tokens",
      parts: {},
      headers: { "user-agent": "graphql-token-manager" },
      response: (id) => [
        201,
        {
          token: `ghs_${id}`,
          expires_at: `${new Date(Date.now() + HOUR).toISOString().slice(0, 19)}Z`,
          permissions: { contents: "read", metadata: "read" },
          repository_selection: "all",
        },
      ],
    },
    failures: [
      ["a wrong key", [401, github("A JSON web token could not be decoded")], "invalid_credentials"],
      [
        "a suspended installation",
        [403, github("This installation has been suspended")],
        "invalid_credentials",
      ],
      ["an unknown installation", [404, github("Not Found")], "invalid_credentials"],
      [
        "a primary rate limit",
        [403, github("API rate limit exceeded for installation."), { "x-ratelimit-remaining": "0" }],
        "rate_limited",
      ],
      [
        "a secondary rate limit",
        [403, github("You have exceeded a secondary rate limit."), { "retry-after": "60" }],
        "rate_limited",
      ],
      ["status 429", [429, github("You have exceeded a secondary rate limit.")], "rate_limited"],
      ["an outage", [502, github("Server Error")], "server"],
    ],
    rejections: [["an invalid token", [401, github("Bad credentials")]]],
  }),
  of({
    name: "octopusKraken",
    schema: `
      type Query { viewer: Int }
      input ObtainJSONWebTokenInput {
        email: String password: String APIKey: String
        organizationSecretKey: String preSignedKey: String refreshToken: String
      }
      scalar GenericScalar
      type ObtainKrakenJSONWebToken { token: String! payload: GenericScalar! refreshToken: String refreshExpiresIn: Int }
      type Mutation { obtainKrakenToken(input: ObtainJSONWebTokenInput!): ObtainKrakenJSONWebToken }
    `,
    options: { endpoint: "https://api.test/v1/graphql/", apiKey: PASSWORD },
    endpoint: "https://api.test/v1/graphql/",
    presented: ["authorization", ""],
    token: jwt,
    lifetimeMs: HOUR,
    limited: kraken("KT-CT-1199"),
    login: {
      url: "https://api.test/v1/graphql/",
      parts: { input: { APIKey: PASSWORD } },
      response: (id) => ok({ obtainKrakenToken: { token: jwt(id), refreshToken: `refresh-${id}` } }),
    },
    renewal: {
      mark: '"refreshToken":"refresh-',
      url: "https://api.test/v1/graphql/",
      parts: (id) => ({ input: { refreshToken: `refresh-${id}` } }),
      rotates: true,
      response: (id) => ok({ obtainKrakenToken: { token: jwt(id), refreshToken: `refresh-${id}` } }),
      refused: kraken("KT-CT-1134"),
    },
    failures: [
      ["a wrong key", kraken("KT-CT-1139"), "invalid_credentials"],
      ["wrong credentials", kraken("KT-CT-1138"), "invalid_credentials"],
      ["an expired refresh token", kraken("KT-CT-1134"), "invalid_credentials"],
      ["an invalid refresh token", kraken("KT-CT-1135"), "invalid_credentials"],
      ["another error", kraken("KT-CT-1128"), "protocol"],
      ["too many requests", kraken("KT-CT-1199"), "rate_limited"],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      ["an expired token", kraken("KT-CT-1124")],
      ["an invalid token", kraken("KT-CT-1143")],
      ["a missing header", kraken("KT-CT-1112")],
    ],
  }),
  ...["token", "refreshToken"].map((renewal) =>
    of({
      name: "djangoGraphqlJwt",
      schema: `
        type Query { viewer: Int }
        scalar GenericScalar
        type ObtainJSONWebToken { token: String! payload: GenericScalar! ${renewal === "token" ? "" : "refreshToken: String!"} }
        type Refresh { token: String! payload: GenericScalar! ${renewal === "token" ? "" : "refreshToken: String!"} }
        type Revoke { revoked: Int! }
        type Mutation {
          tokenAuth(username: String!, password: String!): ObtainJSONWebToken
          refreshToken(${renewal}: String): Refresh
          revokeToken(refreshToken: String): Revoke
        }
      `,
      options: { endpoint: "https://api.test/graphql/", username: "me", password: PASSWORD, renewal },
      optional: ["renewal"],
      endpoint: "https://api.test/graphql/",
      presented: ["authorization", "JWT "],
      token: jwt,
      lifetimeMs: HOUR,
      login: {
        url: "https://api.test/graphql/",
        parts: { username: "me", password: PASSWORD },
        response: (id) =>
          ok({
            tokenAuth: { token: jwt(id), ...(renewal === "token" ? {} : { refreshToken: `refresh-${id}` }) },
          }),
      },
      renewal: {
        mark: renewal === "token" ? "refreshToken(token" : "refreshToken(refreshToken",
        url: "https://api.test/graphql/",
        parts: (id) => (renewal === "token" ? { token: jwt(id) } : { refreshToken: `refresh-${id}` }),
        rotates: true,
        response: (id) =>
          ok({
            refreshToken: {
              token: jwt(id),
              ...(renewal === "token" ? {} : { refreshToken: `refresh-${id}` }),
            },
          }),
        refused: failed(200, "Refresh has expired"),
      },
      revocation:
        renewal === "token"
          ? undefined
          : {
              mark: "revokeToken",
              url: "https://api.test/graphql/",
              variables: { refreshToken: "refresh-1" },
              isAuthorized: false,
              response: { data: { revokeToken: { revoked: 1 } } },
            },
      failures: [
        ["a wrong password", failed(200, "Please enter valid credentials"), "invalid_credentials"],
        ["an outage", [502, {}], "server"],
        ["a locked database", failed(200, "database is locked"), "server"],
        [
          "a database that is down",
          failed(200, 'connection to server at "127.0.0.1", port 5432 failed: Connection refused'),
          "server",
        ],
      ],
      rejections: [
        ["an expired token", failed(200, "Signature has expired")],
        ["a token of another key", failed(200, "Error decoding signature")],
      ],
    }),
  ),
  of({
    name: "strawberryDjangoAuth",
    schema: `
      type Query { viewer: Int }
      scalar DateTime
      scalar ExpectedError
      type TokenPayloadType { origIat: DateTime! exp: DateTime! username: String! }
      type TokenType { payload: TokenPayloadType! token: String! }
      type RefreshTokenType { token: String! created: DateTime! revoked: DateTime expiresAt: DateTime! isExpired: Boolean! }
      type ObtainJSONWebTokenType { success: Boolean! errors: ExpectedError token: TokenType refreshToken: RefreshTokenType }
      type RevokeRefreshTokenType { success: Boolean! errors: ExpectedError refreshToken: RefreshTokenType }
      type Mutation {
        tokenAuth(username: String!, password: String!): ObtainJSONWebTokenType!
        refreshToken(revokeRefreshToken: Boolean!, refreshToken: String!): ObtainJSONWebTokenType!
        revokeToken(refreshToken: String!): RevokeRefreshTokenType!
      }
    `,
    options: { endpoint: "https://api.test/graphql/", username: "me", password: PASSWORD },
    endpoint: "https://api.test/graphql/",
    presented: ["authorization", "JWT "],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    login: {
      url: "https://api.test/graphql/",
      parts: { username: "me", password: PASSWORD },
      response: (id) => ok({ tokenAuth: strawberryTokens(id) }),
    },
    renewal: {
      mark: "revokeRefreshToken: true",
      url: "https://api.test/graphql/",
      parts: (id) => ({ refreshToken: `refresh-${id}` }),
      rotates: true,
      response: (id) => ok({ refreshToken: strawberryTokens(id) }),
      refused: ok({ refreshToken: strawberryFailure("Invalid token.", "invalid_token") }),
    },
    revocation: {
      mark: "revokeToken",
      url: "https://api.test/graphql/",
      variables: { refreshToken: "refresh-1" },
      isAuthorized: false,
      response: { data: { revokeToken: { success: true, errors: null } } },
    },
    failures: [
      [
        "a wrong password",
        ok({ tokenAuth: strawberryFailure("Please, enter valid credentials.", "invalid_credentials") }),
        "invalid_credentials",
      ],
      ["an outage", [502, {}], "server"],
      ["a locked database", failed(200, "database is locked"), "server"],
    ],
    rejections: [["an expired token", failed(200, "User is not authenticated.")]],
  }),
  of({
    name: "postgraphile",
    schema: `
      type Query { viewer: Int }
      scalar Jwt
      input AuthenticateInput { clientMutationId: String username: String password: String }
      type AuthenticatePayload { clientMutationId: String result: Jwt query: Query }
      type Mutation { authenticate(input: AuthenticateInput!): AuthenticatePayload }
    `,
    options: { endpoint: "https://api.test/graphql", input: { username: "me", password: PASSWORD } },
    endpoint: "https://api.test/graphql",
    presented: ["authorization", "Bearer "],
    token: jwt,
    lifetimeMs: HOUR,
    login: {
      url: "https://api.test/graphql",
      parts: { input: { username: "me", password: PASSWORD } },
      response: (id) => ok({ authenticate: { result: jwt(id) } }),
    },
    failures: [
      ["a wrong password", ok({ authenticate: { result: null } }), "invalid_credentials"],
      ["an outage", [502, {}], "server"],
      [
        "a database that is down",
        failed(200, "An error occurred (logged with hash: 'SYWC', id: 'G39A29TTZQ')", {
          errorId: "G39A29TTZQ",
        }),
        "server",
      ],
    ],
    rejections: [
      ["an expired token", failed(401, "jwt expired", {})],
      ["a token of another key", failed(401, "invalid signature", {})],
    ],
  }),
  of({
    name: "parse",
    schema: `
      type Query { viewer: Int }
      input LogInInput { username: String!, password: String!, clientMutationId: String }
      input LogOutInput { clientMutationId: String }
      type Viewer { sessionToken: String! }
      type LogInPayload { viewer: Viewer! clientMutationId: String }
      type LogOutPayload { clientMutationId: String }
      type Mutation { logIn(input: LogInInput!): LogInPayload logOut(input: LogOutInput!): LogOutPayload }
    `,
    options: { url: "https://api.test", applicationId: "app", username: "me", password: PASSWORD },
    endpoint: "https://api.test/graphql",
    presented: ["x-parse-session-token", ""],
    token: (id) => `r:${id}`,
    lifetimeMs: YEAR,
    login: {
      url: "https://api.test/graphql",
      parts: { username: "me", password: PASSWORD },
      headers: { "x-parse-application-id": "app" },
      response: (id) => ok({ logIn: { viewer: { sessionToken: `r:${id}` } } }),
    },
    revocation: {
      mark: "logOut",
      url: "https://api.test/graphql",
      variables: {},
      isAuthorized: true,
      response: { data: { logOut: { clientMutationId: null } } },
    },
    failures: [
      ["a wrong password", failed(200, "Invalid username/password.", { code: 101 }), "invalid_credentials"],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      ["an ended session", [400, { code: 209, error: "Invalid session token" }]],
      ["an expired session", [400, { code: 209, error: "Session token is expired." }]],
      ["an ended session within GraphQL", failed(200, "Invalid session token", { code: 209 })],
    ],
  }),
];
