// Recorded exchanges of shops.

import { HOUR, PASSWORD, YEAR, failed, jwt, of, ok } from "./support.js";

/** @import { Recorded } from "./support.js" */

/** @param {string} code @param {string | null} [token] */
const saleorFailure = (code, token = null) => ({ token, errors: [{ field: "email", code, message: "m" }] });

export const SHOPS = [
  of({
    name: "saleor",
    schema: `
      type Query { viewer: Int }
      type AccountError { field: String message: String code: String! }
      type CreateToken { token: String refreshToken: String csrfToken: String errors: [AccountError!]! }
      type RefreshToken { token: String errors: [AccountError!]! }
      type Mutation {
        tokenCreate(audience: String, email: String!, password: String!): CreateToken
        tokenRefresh(csrfToken: String, refreshToken: String): RefreshToken
      }
    `,
    options: { endpoint: "https://shop.test/graphql/", email: "me@test", password: PASSWORD },
    endpoint: "https://shop.test/graphql/",
    presented: ["authorization", "Bearer "],
    token: jwt,
    lifetimeMs: HOUR,
    login: {
      url: "https://shop.test/graphql/",
      parts: { email: "me@test", password: PASSWORD },
      response: (id) => ok({ tokenCreate: { token: jwt(id), refreshToken: `refresh-${id}`, errors: [] } }),
    },
    renewal: {
      mark: "tokenRefresh",
      url: "https://shop.test/graphql/",
      parts: (id) => ({ refreshToken: `refresh-${id}` }),
      rotates: false,
      response: (id) => ok({ tokenRefresh: { token: jwt(id), errors: [] } }),
      refused: ok({ tokenRefresh: saleorFailure("JWT_SIGNATURE_EXPIRED") }),
    },
    failures: [
      ["a wrong password", ok({ tokenCreate: saleorFailure("INVALID_CREDENTIALS") }), "invalid_credentials"],
      ["an inactive account", ok({ tokenCreate: saleorFailure("INACTIVE") }), "invalid_credentials"],
      ["a delayed log-in", ok({ tokenCreate: saleorFailure("LOGIN_ATTEMPT_DELAYED") }), "rate_limited"],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      [
        "an expired token",
        failed(200, "Signature has expired", { exception: { code: "ExpiredSignatureError" } }),
      ],
      ...["InvalidSignatureError", "DecodeError", "InvalidTokenError"].map(
        (code) => /** @type {[string, Recorded]} */ ([code, failed(200, "m", { exception: { code } })]),
      ),
    ],
  }),
  of({
    name: "vendure",
    schema: `
      type Query { viewer: Int }
      interface ErrorResult { errorCode: String! message: String! }
      type CurrentUser { id: ID! identifier: String! }
      type InvalidCredentialsError implements ErrorResult { errorCode: String! message: String! }
      type NativeAuthStrategyError implements ErrorResult { errorCode: String! message: String! }
      union NativeAuthenticationResult = CurrentUser | InvalidCredentialsError | NativeAuthStrategyError
      type Success { success: Boolean! }
      type Mutation {
        login(username: String!, password: String!, rememberMe: Boolean): NativeAuthenticationResult!
        logout: Success!
      }
    `,
    options: { endpoint: "https://shop.test/admin-api", username: "me", password: PASSWORD },
    endpoint: "https://shop.test/admin-api",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: YEAR,
    login: {
      url: "https://shop.test/admin-api",
      parts: { username: "me", password: PASSWORD },
      response: (id) => [
        200,
        { data: { login: { __typename: "CurrentUser" } } },
        { "vendure-auth-token": `access-${id}` },
      ],
    },
    revocation: {
      mark: "logout",
      url: "https://shop.test/admin-api",
      variables: {},
      isAuthorized: true,
      response: { data: { logout: { success: true } } },
    },
    failures: [
      [
        "a wrong password",
        [
          200,
          {
            data: {
              login: {
                __typename: "InvalidCredentialsError",
                errorCode: "INVALID_CREDENTIALS_ERROR",
                message: "The provided credentials are invalid",
              },
            },
          },
        ],
        "invalid_credentials",
      ],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      [
        "an ended session",
        failed(200, "You are not currently authorized to perform this action", { code: "FORBIDDEN" }),
      ],
      [
        "the anonymous session after an ended one",
        [200, { data: { activeAdministrator: null } }, { "vendure-auth-token": "anonymous" }],
      ],
    ],
  }),
  of({
    name: "adobeCommerceCustomer",
    schema: `
      type Query { viewer: Int }
      type CustomerToken { token: String }
      type RevokeCustomerTokenOutput { result: Boolean! }
      type Mutation {
        generateCustomerToken(email: String!, password: String!): CustomerToken
        revokeCustomerToken: RevokeCustomerTokenOutput
      }
    `,
    options: { endpoint: "https://shop.test/graphql", email: "me@test", password: PASSWORD },
    endpoint: "https://shop.test/graphql",
    presented: ["authorization", "Bearer "],
    token: (id) => `access-${id}`,
    lifetimeMs: HOUR,
    login: {
      url: "https://shop.test/graphql",
      parts: { email: "me@test", password: PASSWORD },
      response: (id) => ok({ generateCustomerToken: { token: `access-${id}` } }),
    },
    revocation: {
      mark: "revokeCustomerToken",
      url: "https://shop.test/graphql",
      variables: {},
      isAuthorized: true,
      response: { data: { revokeCustomerToken: { result: true } } },
    },
    failures: [
      [
        "a wrong password",
        failed(
          200,
          "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later.",
          { category: "graphql-authentication" },
        ),
        "invalid_credentials",
      ],
      ["an outage", [502, {}], "server"],
    ],
    rejections: [
      [
        "an expired token",
        failed(200, "The current customer isn't authorized.", { category: "graphql-authorization" }),
      ],
    ],
  }),
];
