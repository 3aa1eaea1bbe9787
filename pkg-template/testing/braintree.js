/**
 * Braintree's GraphQL API according to its documentation: access tokens for client credentials, and operations.
 *
 * Source: developer.paypal.com/braintree/graphql, guides "Access Tokens", "Making API Calls", "GraphQL error
 * handling"; type AccessToken: github.com/braintree/graphql-api, schema.graphql.
 *
 * Undocumented behaviour, as chosen for the sandbox:
 *
 * - The lifetime of a token is one hour, unless `lifetimes.braintree` sets another.
 * - A request without the header Braintree-Version, or with an invalid date in it, is rejected with errorClass
 *   VALIDATION.
 * - A token in place of the client's credentials, or the reverse, results in errorClass AUTHORIZATION with the message
 *   that was reported for it. `ping` accepts either.
 * - Scopes are an enum of the published list.
 *
 * @module
 */

import { braintreeTypeDefs } from "./braintree-schema.js";
import { braintreeShop } from "./braintree-resolvers.js";
import { base64, randomHex, randomUUID } from "./portable.js";
import { open, withBasic } from "./provider-request.js";
import { single } from "./service.js";
import { TokenRegister } from "./tokens.js";

/** @import { BraintreeVariants } from "./index.js" */
/** @import { RejectionReason } from "./provider-request.js" */
/** @import { Engine, HttpAnswer, HttpRequest, Json, Provider } from "./service.js" */
/** @import { Unwritten } from "./tokens.js" */

/** The accepted credentials, named like the environment variables that Braintree's own libraries read. */
export const braintreeCredentials = Object.freeze({
  clientId: "client_id$sandbox$0123456789abcdef",
  clientSecret: "client_secret$sandbox$fedcba9876543210fedcba9876543210",
});

const MERCHANT_ID = "sandboxmerchant";

/**
 * @param {object} parts
 * @param {Required<BraintreeVariants>} parts.variants
 * @param {number} parts.lifetimeMs
 * @param {() => number} parts.now
 * @param {Engine} parts.engine
 * @returns {Provider}
 */
export function braintree({ variants, lifetimeMs, now, engine }) {
  const { GraphQLError } = engine.graphql;
  const tokens = new TokenRegister({
    lifetimeMs,
    now,
    write: () => `access_token$sandbox$${MERCHANT_ID}$${randomHex(16)}`,
  });
  const shop = braintreeShop({ now, engine });

  return {
    name: "braintree",
    path: "/braintree/graphql",
    typeDefs: braintreeTypeDefs,
    resolvers: {
      Query: {
        ping: open((_args, providerRequest) => {
          if (providerRequest.scheme === "basic") providerRequest.requireBasic();
          else providerRequest.requireBearer([]);
          return "pong";
        }),
        ...shop.queries,
      },
      Mutation: {
        createOAuthAccessTokenFromClientCredentials: createAccessToken(variants),
        ...shop.mutations,
      },
      Node: { __resolveType: shop.resolveType },
      Reversal: { __resolveType: shop.resolveType },
    },
    grantFields: ["createOAuthAccessTokenFromClientCredentials"],
    spellings: [],
    grantsHold: "scopes",
    tokens,
    basic: base64(`${braintreeCredentials.clientId}:${braintreeCredentials.clientSecret}`),
    rejection: (reason) => new GraphQLError(...errorOf(reason)),
    checkRequest: rejectWithoutVersion,
    finish: ({ status, headers, body }) => ({
      // The documentation states "Will always return with HTTP status 200"; methods and media types are handled
      // elsewhere.
      status: status === 400 ? 200 : status,
      headers,
      body: {
        ...body,
        ...(body.errors ? { errors: body.errors.map(withoutForeignCode) } : {}),
        extensions: { ...body.extensions, requestId: randomUUID() },
      },
    }),
  };
}

/**
 * Braintree classifies errors by `errorClass`. Errors of the document itself have none, and no other code.
 * @param {Json} error
 */
function withoutForeignCode({ extensions, ...error }) {
  return extensions?.errorClass ? { ...error, extensions } : error;
}

/** @param {Required<BraintreeVariants>} variants */
function createAccessToken({ expiresAt }) {
  return withBasic(
    (
      /** @type {{ input: { scopes: string[], clientMutationId?: string | null } }} */ { input },
      providerRequest,
    ) => {
      const token = providerRequest.grant({ subject: MERCHANT_ID, scopes: input.scopes });
      const accessToken = {
        accessToken: token.value,
        tokenType: "BEARER",
        expiresAt: writeTime(token, expiresAt),
      };
      return { accessToken, clientMutationId: input.clientMutationId };
    },
  );
}

/**
 * @param {Unwritten} token
 * @param {Required<BraintreeVariants>["expiresAt"]} format
 */
function writeTime({ expiresAt, lifetimeMs }, format) {
  switch (format) {
    case "iso":
      return new Date(expiresAt).toISOString();
    case "offset":
      return new Date(expiresAt + OFFSET_MS).toISOString().replace("Z", "+05:30");
    case "epoch":
      // Seconds are too coarse for a token of 50 ms; milliseconds are the other common format.
      return String(lifetimeMs % 1_000 === 0 ? Math.floor(expiresAt / 1_000) : expiresAt);
    case "absent":
      return null;
  }
}

/** 5.5 hours: an offset that is not a whole number of hours reveals more mistakes. */
const OFFSET_MS = 5.5 * 3_600_000;

/**
 * @param {RejectionReason} reason
 * @returns {[string, { extensions: Record<string, unknown> }]}
 */
function errorOf(reason) {
  return reason === "kind"
    ? [
        "The requested field is not accessible with the provided authentication credentials.",
        { extensions: { errorClass: "AUTHORIZATION", errorType: "developer_error" } },
      ]
    : [
        // The guide has this message for insufficient scopes; it is the same as for an expired token.
        "Authentication credentials are invalid.",
        { extensions: { errorClass: "AUTHENTICATION", errorType: "developer_error" } },
      ];
}

/**
 * @param {HttpRequest} request
 * @returns {HttpAnswer | undefined}
 */
function rejectWithoutVersion({ headers }) {
  if (/^\d{4}-\d{2}-\d{2}$/.test(single(headers["braintree-version"]) ?? "")) return undefined;
  const message = "The header Braintree-Version is required and must be a date of the form YYYY-MM-DD.";
  const extensions = { errorClass: "VALIDATION", errorType: "developer_error" };
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: { data: null, errors: [{ message, extensions }], extensions: { requestId: randomUUID() } },
  };
}
