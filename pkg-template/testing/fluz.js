/**
 * Fluz, as its documentation describes it: Basic grants of user access tokens, refreshing them, and a few operations.
 *
 * Source: docs.fluz.app, pages "Generate a User Access Token", "Refresh an expired User Access Token", "Application
 * Scopes", "Error codes", "Idempotency Requests"; the shape of a refused API key was observed by others.
 *
 * What the pages leave open, and what is chosen here:
 *
 * - Scopes that the application does not hold are left out of the answer's `scopes`; no error says so.
 * - An access token that is missing, expired or lacks a scope gives code AUTH-0008 in all cases, since the table of
 *   codes describes it as "missing, invalid, or not permitted", with the HTTP status that the variant selects.
 * - A refresh token that does not count gives AUTH-0008 as well, whose advice ("regenerate the token") fits.
 * - Any UUID is taken as a user, an account or a seat that the application may act for.
 * - Refresh tokens do not expire.
 *
 * @module
 */

import { randomBytes, randomUUID } from "node:crypto";
import { open, withBasic } from "./exchange.js";
import { isEmpty } from "./service.js";
import { fluzShop } from "./fluz-shop.js";
import { TokenRegister, numericDates, signJwt } from "./tokens.js";

/** @import { FluzVariants } from "./index.js" */
/** @import { Exchange } from "./exchange.js" */
/** @import { Engine, HttpAnswer, JsonAnswer, Provider } from "./service.js" */
/** @import { AccessToken } from "./tokens.js" */

/** Credentials that the sandbox accepts. The key is the Base64 form of `app_id:app_secret`, as Fluz hands it out. */
export const fluzCredentials = Object.freeze({
  apiKey: Buffer.from("sandbox-app:sandbox-fluz-app-secret").toString("base64"),
  userId: "6f1d3f0e-8f0b-4c53-9d0a-3b6f2f1f7a01",
  accountId: "b1a7c9d2-5e44-4a8e-9a3c-0d4e8c6f7b02",
});

/**
 * Scopes that one of Fluz's pages names.
 *
 * MAKE_WIDTHDRAW is spelt as on the page that has it.
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

/** What the application and its users hold: everything but what Fluz grants on request only. */
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
  const key = randomBytes(32);
  const tokens = new TokenRegister({
    lifetimeMs,
    now,
    write: (token) => signJwt({ sub: token.subject, jti: randomUUID(), ...numericDates(token) }, key),
  });
  const refusal = () =>
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
        marco: open((_args, exchange) => {
          if (exchange.scheme === "bearer") exchange.requireBearer([]);
          else exchange.requireBasic();
          return "polo";
        }),
        getApplicationScopes: withBasic(() => HELD),
        ...shop.queries,
      },
      Mutation: { ...grants(variants, tokens), ...shop.mutations },
    },
    granting: ["generateUserAccessToken", "refreshUserAccessToken"],
    spellings: ["refreshUserAccessToken"],
    grantsHold: "scopes",
    tokens,
    basic: fluzCredentials.apiKey,
    refusal,
    // A wrong key is refused before the document is looked at: seen with a document that the schema does not allow.
    admit: (_request, exchange) =>
      exchange.scheme === "basic" && !exchange.hasBasic ? wrongKey(exchange) : undefined,
    finish: (answer, exchange) => finish(answer, exchange, variants),
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
      exchange,
    ) => {
      const subject = [args.userId, args.accountId, ...(args.seatId ? [args.seatId] : [])].join("/");
      const token = exchange.grant({ subject, scopes: args.scopes.filter((scope) => HELD.includes(scope)) });
      return payload(token, tokens.refreshTokenFor(token));
    },
  );
  if (refreshArgument === "absent") return { generateUserAccessToken };
  const refreshUserAccessToken = withBasic((/** @type {Record<string, string>} */ args, exchange) => {
    const refreshToken = args[refreshArgument] ?? "";
    const token = exchange.redeem(refreshToken, rotation ? "single-use" : "reusable");
    if (!token) throw exchange.refuse("token");
    return payload(token, rotation ? tokens.refreshTokenFor(token) : refreshToken);
  });
  return { generateUserAccessToken, refreshUserAccessToken };
}

/** @param {Engine} engine */
function uuid({ graphql: { GraphQLError, GraphQLScalarType } }) {
  /** @param {unknown} value */
  const parse = (value) => {
    // Says nothing of the value: a misplaced secret would end up in somebody's log.
    if (typeof value !== "string" || !UUID.test(value))
      throw new GraphQLError("UUID cannot represent this value.");
    return value;
  };
  return new GraphQLScalarType({ name: "UUID", serialize: String, parseValue: parse });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * @param {Exchange} exchange
 * @returns {HttpAnswer}
 */
function wrongKey(exchange) {
  exchange.refuse("credentials");
  return wrongKeyAnswer();
}

/**
 * Not a GraphQL answer: a bare string under `error`.
 * @returns {HttpAnswer}
 */
function wrongKeyAnswer() {
  const headers = { "content-type": "application/json; charset=utf-8" };
  return { status: 401, headers, body: { error: "Error verifying API basic token" } };
}

/**
 * @param {JsonAnswer} answer
 * @param {Exchange} exchange
 * @param {Required<FluzVariants>} variants
 * @returns {HttpAnswer}
 */
function finish({ status, headers, body }, exchange, { unauthorizedStatus }) {
  const extensions = { ...body.extensions, requestId: randomUUID() };
  if (exchange.refusals.length === 0 || !isEmpty(body))
    return { status, headers, body: { ...body, extensions } };
  // No Basic credentials where they are needed: the same answer as for wrong ones.
  if (exchange.lacking === "basic") return wrongKeyAnswer();
  return { status: unauthorizedStatus, headers, body: { ...body, data: null, extensions } };
}
