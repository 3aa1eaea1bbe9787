/**
 * Fluz according to its documentation: Basic grants of user access tokens, their refresh, and a few operations.
 *
 * Source: docs.fluz.app, pages "Generate a User Access Token", "Refresh an expired User Access Token", "Application
 * Scopes", "Error codes", "Idempotency Requests"; the format of the response to a wrong API key was observed by
 * others.
 *
 * Undocumented behaviour, as chosen for the sandbox:
 *
 * - Scopes that the application does not have are omitted from `scopes` of the response, without an error.
 * - An access token that is missing, expired or lacks a scope results in code AUTH-0008 in all cases, because the
 *   table of codes describes it as "missing, invalid, or not permitted", with the HTTP status of the selected variant.
 * - An invalid refresh token results in AUTH-0008 as well, because its advice ("regenerate the token") fits.
 * - Any UUID is accepted as a user, an account or a seat of the application.
 * - Refresh tokens do not expire.
 *
 * @module
 */

import { randomUUID } from "./portable.js";
import { open, withBasic } from "./provider-request.js";
import { isEmpty } from "./service.js";
import { fluzShop } from "./fluz-resolvers.js";
import { TokenRegister, numericDates, signJwt } from "./tokens.js";

/** @import { FluzVariants } from "./index.js" */
/** @import { ProviderRequest } from "./provider-request.js" */
/** @import { Engine, HttpAnswer, JsonAnswer, Provider } from "./service.js" */
/** @import { AccessToken } from "./tokens.js" */

/** The accepted credentials. The key is the Base64 form of `app_id:app_secret`, as Fluz provides it. */
export const fluzCredentials = Object.freeze({
  // Base64 of "sandbox-app:sandbox-fluz-app-secret".
  apiKey: "c2FuZGJveC1hcHA6c2FuZGJveC1mbHV6LWFwcC1zZWNyZXQ=",
  userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01",
  accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02",
});

/**
 * Scopes in any page of Fluz's documentation.
 *
 * MAKE_WIDTHDRAW is spelt as in its page.
 */
const SCOPES = [
  ...[
    "LIST_PAYMENT",
    "LIST_PURCHASES",
    "LIST_OFFERS",
    "MAKE_DEPOSIT",
    "PURCHASE_GIFTCARD",
    "REVEAL_GIFTCARD",
  ],
  ...[
    "MANAGE_PAYMENT",
    "REVEAL_VIRTUALCARD",
    "CREATE_VIRTUALCARD",
    "EDIT_VIRTUALCARD",
    "REQUEST_VIRTUAL_CARD",
  ],
  ...[
    "MANAGE_SUBUSERS",
    "VIEW_SUBUSERS",
    "MAKE_PAYOUT_SEND",
    "MAKE_PAYOUT_RECEIVE",
    "MAKE_PAYOUT_TRANSFER_SEND",
  ],
  ...["MAKE_PAYOUT_TRANSFER_RECEIVE", "REQUEST_ACCOUNT_TRANSFER", "LIST_APPROVALS", "MANAGE_APPROVALS"],
  ...["VERIFY_KYC", "MAKE_WIDTHDRAW", "PCI_COMPLIANCE"],
];

/** The scopes of the application and its users: all except the one that Fluz grants only on request. */
const HELD = SCOPES.filter((scope) => scope !== "PCI_COMPLIANCE");

/**
 * @param {object} parts
 * @param {Required<FluzVariants>} parts.variants
 * @param {number} parts.lifetimeMs
 * @param {() => number} parts.now
 * @param {Engine} parts.engine
 * @returns {Provider}
 */
export function fluz({ variants, lifetimeMs, now, engine }) {
  const { GraphQLError } = engine.graphql;
  const tokens = new TokenRegister({
    lifetimeMs,
    now,
    write: (token) => signJwt({ sub: token.subject, jti: randomUUID(), ...numericDates(token) }),
  });
  const rejection = () =>
    new GraphQLError("User access token is missing, invalid, or not permitted for this action.", {
      extensions: { code: "AUTH-0008" },
    });
  const shop = fluzShop({ now });

  return {
    name: "fluz",
    path: "/fluz/graphql",
    typeDefs: typeDefs(variants) + shop.typeDefs,
    resolvers: {
      UUID: uuid(engine),
      Query: {
        marco: open((_args, providerRequest) => {
          if (providerRequest.scheme === "bearer") providerRequest.requireBearer([]);
          else providerRequest.requireBasic();
          return "polo";
        }),
        getApplicationScopes: withBasic(() => HELD),
        ...shop.queries,
      },
      Mutation: { ...grants(variants, tokens), ...shop.mutations },
    },
    grantFields: ["generateUserAccessToken", "refreshUserAccessToken"],
    spellings: ["refreshUserAccessToken"],
    grantsHold: "scopes",
    tokens,
    basic: fluzCredentials.apiKey,
    rejection,
    // A wrong key is rejected before the document is parsed: observed with a document that is invalid in the schema.
    checkRequest: (_request, providerRequest) =>
      providerRequest.scheme === "basic" && !providerRequest.hasBasic ? wrongKey(providerRequest) : undefined,
    finish: (answer, providerRequest) => finish(answer, providerRequest, variants),
  };
}

/** @param {Required<FluzVariants>} variants */
function typeDefs({ tokenField, refreshArgument }) {
  const refresh =
    refreshArgument === "absent"
      ? ""
      : `refreshUserAccessToken(${refreshArgument}: String!): UserAccessToken`;
  return /* GraphQL */ `
    scalar UUID
    enum ScopeType { ${SCOPES.join(" ")} }
    type UserAccessToken {
      ${tokenField}: String!
      refreshToken: String!
      scopes: [ScopeType!]!
    }
    type Query {
      marco: String
      getApplicationScopes: [ScopeType]
    }
    type Mutation {
      generateUserAccessToken(userId: UUID!, accountId: UUID!, scopes: [ScopeType!]!, seatId: UUID): UserAccessToken
      ${refresh}
    }
  `;
}

/**
 * @param {Required<FluzVariants>} variants
 * @param {TokenRegister} tokens
 */
function grants({ tokenField, refreshArgument, rotation }, tokens) {
  /**
   * @param {AccessToken} token
   * @param {string} refreshToken
   */
  const payload = (token, refreshToken) => ({
    [tokenField]: token.value,
    refreshToken,
    scopes: token.scopes,
  });
  const generateUserAccessToken = withBasic(
    (
      /** @type {{ userId: string, accountId: string, scopes: string[], seatId?: string | null }} */ args,
      providerRequest,
    ) => {
      const subject = [args.userId, args.accountId, ...(args.seatId ? [args.seatId] : [])].join("/");
      const token = providerRequest.grant({
        subject,
        scopes: args.scopes.filter((scope) => HELD.includes(scope)),
      });
      return payload(token, tokens.refreshTokenFor(token));
    },
  );
  if (refreshArgument === "absent") return { generateUserAccessToken };
  const refreshUserAccessToken = withBasic((/** @type {Record<string, string>} */ args, providerRequest) => {
    const refreshToken = args[refreshArgument] ?? "";
    const token = providerRequest.redeem(refreshToken, rotation ? "single-use" : "reusable");
    if (!token) throw providerRequest.reject("token");
    return payload(token, rotation ? tokens.refreshTokenFor(token) : refreshToken);
  });
  return { generateUserAccessToken, refreshUserAccessToken };
}

/** @param {Engine} engine */
function uuid({ graphql: { GraphQLError, GraphQLScalarType } }) {
  /** @param {unknown} value */
  const parse = (value) => {
    // The message does not contain the value: a misplaced secret would be logged.
    if (typeof value !== "string" || !UUID.test(value))
      throw new GraphQLError("UUID cannot represent this value.");
    return value;
  };
  return new GraphQLScalarType({ name: "UUID", serialize: String, parseValue: parse });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * @param {ProviderRequest} providerRequest
 * @returns {HttpAnswer}
 */
function wrongKey(providerRequest) {
  providerRequest.reject("credentials");
  return wrongKeyAnswer();
}

/**
 * Returns a response that is not GraphQL: a plain string under `error`.
 * @returns {HttpAnswer}
 */
function wrongKeyAnswer() {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return { status: 401, headers, body: { error: "Error verifying API basic token" } };
}

/**
 * @param {JsonAnswer} answer
 * @param {ProviderRequest} providerRequest
 * @param {Required<FluzVariants>} variants
 * @returns {HttpAnswer}
 */
function finish({ status, headers, body }, providerRequest, { unauthorizedStatus }) {
  const extensions = { ...body.extensions, requestId: randomUUID() };
  if (providerRequest.rejections.length === 0 || !isEmpty(body))
    return { status, headers, body: { ...body, extensions } };
  // Missing Basic credentials have the same response as wrong ones.
  if (providerRequest.lacking === "basic") return wrongKeyAnswer();
  return { status: unauthorizedStatus, headers, body: { ...body, data: null, extensions } };
}
