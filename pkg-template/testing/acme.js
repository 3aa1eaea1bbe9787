/**
 * Acme, a fictitious API for testing custom profiles.
 *
 * `login` returns a token, a key for the next one (`renewal`) and the lifetime in seconds (`ttl`); `renew` accepts
 * each renewal once; `me` requires a token. Rejections have HTTP status 401 and code UNAUTHENTICATED, like those of
 * Apollo Server.
 *
 * @module
 */

import { randomUUID } from "./portable.js";
import { open, withBearer } from "./provider-request.js";
import { isEmpty } from "./service.js";
import { TokenRegister, numericDates, signJwt } from "./tokens.js";

/** @import { Engine, Provider } from "./service.js" */
/** @import { AccessToken } from "./tokens.js" */

/** The accepted credentials. */
export const acmeCredentials = Object.freeze({ id: "sandbox-acme-id", secret: "sandbox-acme-secret" });

const TYPE_DEFS = /* GraphQL */ `
  type Session {
    jwt: String!
    renewal: String!
    "Seconds."
    ttl: Float!
  }
  type Me {
    id: ID!
  }
  type Query {
    me: Me
  }
  type Mutation {
    login(id: ID!, secret: String!): Session
    renew(refresh: String!): Session
  }
`;

/**
 * @param {object} parts
 * @param {number} parts.lifetimeMs
 * @param {() => number} parts.now
 * @param {Engine} parts.engine
 * @returns {Provider}
 */
export function acme({ lifetimeMs, now, engine }) {
  const { GraphQLError } = engine.graphql;
  const tokens = new TokenRegister({
    lifetimeMs,
    now,
    write: (token) => signJwt({ sub: token.subject, jti: randomUUID(), ...numericDates(token) }),
  });
  /** @param {AccessToken} token */
  const session = (token) => ({
    jwt: token.value,
    renewal: tokens.refreshTokenFor(token),
    ttl: token.lifetimeMs / 1_000,
  });

  return {
    name: "acme",
    path: "/acme/graphql",
    typeDefs: TYPE_DEFS,
    resolvers: {
      Query: { me: withBearer([], (_args, { subject }) => ({ id: subject })) },
      Mutation: {
        login: open((/** @type {{ id: string, secret: string }} */ { id, secret }, providerRequest) => {
          const known = id === acmeCredentials.id && secret === acmeCredentials.secret;
          if (!known) throw providerRequest.reject("credentials");
          return session(providerRequest.grant({ subject: id, scopes: [] }));
        }),
        renew: open((/** @type {{ refresh: string }} */ { refresh }, providerRequest) => {
          const token = providerRequest.redeem(refresh, "single-use");
          if (!token) throw providerRequest.reject("token");
          return session(token);
        }),
      },
    },
    grantFields: ["login", "renew"],
    spellings: [],
    grantsHold: "no scopes",
    tokens,
    rejection: () => new GraphQLError("Not authenticated.", { extensions: { code: "UNAUTHENTICATED" } }),
    checkRequest: () => undefined,
    finish: (answer, { rejections }) =>
      rejections.length > 0 && isEmpty(answer.body)
        ? { ...answer, status: 401, body: { ...answer.body, data: null } }
        : answer,
  };
}
