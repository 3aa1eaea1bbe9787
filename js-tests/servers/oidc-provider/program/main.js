// An authorization server of oidc-provider, and an API of GraphQL Yoga that looks up tokens in its store.
//
// Arguments: port, lifetime of access tokens in seconds. Requests to /tests/authorized return a new refresh token, and one to
// /tests/end? ends the access token that follows, and the refresh token of its grant.

import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createGraphQLError, createSchema, createYoga } from "graphql-yoga";
import Provider from "oidc-provider";

const [port = "", lifetime = ""] = process.argv.slice(2);
const FILE = "store.json";
const CLIENT = "reports";
const APP = "app";
const SECRET = "correct horse/battery";
const URL = `http://127.0.0.1:${port}`;

/** The records of all models, which survive a restart. @type {Record<string, any>} */
const records = (() => {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch {
    return {};
  }
})();
const save = () => writeFileSync(FILE, JSON.stringify(records));

/** The storage interface of oidc-provider, as far as its features here need it. */
class Store {
  /** @param {string} model */
  constructor(model) {
    this.model = model;
  }

  /** @param {string} id @param {any} record */
  async upsert(id, record) {
    records[`${this.model}:${id}`] = record;
    save();
  }

  /** @param {string} id */
  async find(id) {
    return records[`${this.model}:${id}`];
  }

  /** @param {string} id */
  async consume(id) {
    records[`${this.model}:${id}`].consumed = Math.floor(Date.now() / 1_000);
    save();
  }

  /** @param {string} id */
  async destroy(id) {
    delete records[`${this.model}:${id}`];
    save();
  }

  /** @param {string} grantId */
  async revokeByGrantId(grantId) {
    for (const [key, record] of Object.entries(records)) {
      if (record.grantId === grantId) delete records[key];
    }
    save();
  }
}

const provider = new Provider(URL, {
  adapter: Store,
  clients: [
    {
      client_id: CLIENT,
      client_secret: SECRET,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: "orders.read",
    },
    {
      client_id: APP,
      client_secret: SECRET,
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["https://app.test/callback"],
    },
  ],
  scopes: ["openid", "offline_access", "orders.read"],
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    revocation: { enabled: true },
  },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: Number(lifetime),
    ClientCredentials: Number(lifetime),
    Grant: 86_400,
    RefreshToken: 86_400,
  },
});

/** Returns the valid access token of a request. @param {string} token */
async function accessTokenOf(token) {
  const found = (await provider.ClientCredentials.find(token)) ?? (await provider.AccessToken.find(token));
  return found?.isValid ? found : undefined;
}

/** Returns a refresh token of an application that a user has authorized. */
async function authorizedApplication() {
  const client = await provider.Client.find(APP);
  const accountId = "reader";
  const grant = new provider.Grant({ accountId, clientId: APP });
  const scope = "openid offline_access";
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const values = { accountId, client, grantId, scope, gty: "authorization_code", rotations: 0 };
  return new provider.RefreshToken(values).save();
}

/** Ends an access token and, with its grant, the refresh token. @param {string} token */
async function end(token) {
  const found = await accessTokenOf(token);
  if (found?.grantId !== undefined) {
    await new Store("RefreshToken").revokeByGrantId(found.grantId);
  }
  await found?.destroy();
}

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: "type Query { me: String! }",
    resolvers: {
      Query: {
        me: async (_root, _arguments, { request }) => {
          const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
          const found = await accessTokenOf(token);
          if (found !== undefined) return found.clientId;
          const extensions = { code: "UNAUTHENTICATED", http: { status: 401 } };
          throw createGraphQLError("The token is missing, unknown or expired.", { extensions });
        },
      },
    },
  }),
});

const authorization = provider.callback();
const server = createServer(async (request, response) => {
  if (request.url === "/graphql") return yoga(request, response);
  if (request.url === "/tests/authorized") return response.end(await authorizedApplication());
  if (request.url?.startsWith("/tests/end?")) {
    await end(decodeURIComponent(request.url.slice("/tests/end?".length)));
    return response.writeHead(204).end();
  }
  return authorization(request, response);
});
server.listen(Number(port), "127.0.0.1");
