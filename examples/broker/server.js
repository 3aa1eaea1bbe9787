/**
 * A small shop: visitors sign in, and their pages send requests to Fluz directly, with tokens from this server's
 * broker. The API key never leaves the server.
 *
 *     npm install graphql-token-manager
 *     FLUZ_API_KEY=… FLUZ_USER_ID=… FLUZ_ACCOUNT_ID=… node server.js
 *
 * FLUZ_API_KEY     the application's API key from Fluz
 * FLUZ_USER_ID     the user to act for, a UUID
 * FLUZ_ACCOUNT_ID  the account to act for, a UUID
 * FLUZ_ENDPOINT    the endpoint of the API; default: Fluz's sandbox
 * PORT             the port on 127.0.0.1; default: 3000
 */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { TokenManager } from "graphql-token-manager";
import { createBroker, toNodeListener } from "graphql-token-manager/broker";

const endpoint =
  process.env.FLUZ_ENDPOINT ?? "https://transactional-graph.staging.fluzapp.com/api/v1/graphql";

const tokens = new TokenManager({
  provider: "fluz",
  environment: "sandbox",
  endpoint,
  apiKey: setting("FLUZ_API_KEY"),
  userId: setting("FLUZ_USER_ID"),
  accountId: setting("FLUZ_ACCOUNT_ID"),
  // Only the scopes that pages need: each signed-in visitor receives a token with all of them.
  scopes: ["LIST_OFFERS"],
});

/** The signed-in visitors, by cookie value. @type {Map<string, string>} */
const visitors = new Map();

const broker = createBroker(tokens, {
  // All signed-in visitors share the manager's default session.
  authorize: (request) => (visitorOf(request.headers.get("cookie")) ? {} : null),
  subject: (request) => visitorOf(request.headers.get("cookie")) ?? "",
  onError: (error) => console.error("No token for a page:", error),
});
const token = toNodeListener(broker);

/** Static files of the page. */
const FILES = new Map([
  ["/", { type: "text/html", url: new URL("page.html", import.meta.url) }],
  ["/page.js", { type: "text/javascript", url: new URL("page.js", import.meta.url) }],
  ["/graphql-token-manager.js", { type: "text/javascript", url: moduleUrl() }],
]);

/** The package contains WebAssembly; the page connects only to this server and the API. */
const POLICY = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; connect-src 'self' ${new URL(endpoint).origin}`;

const server = createServer(async (request, response) => {
  const { method, url = "/", headers } = request;
  if (url === "/token") return token(request, response);
  if (url === "/sign-in" && method === "POST") return signIn(response);
  if (url === "/sign-out" && method === "POST") return signOut(headers.cookie, response);
  if (url === "/config.json") return response.end(JSON.stringify({ endpoint }));
  const file = FILES.get(url);
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": file.type, "content-security-policy": POLICY });
  response.end(await readFile(file.url));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`Open http://127.0.0.1:${port}`);
});

process.once("SIGINT", async () => {
  server.close();
  server.closeAllConnections();
  await tokens.close();
});

/**
 * Signs in without a password. Replace this with your own authentication.
 *
 * @param {import("node:http").ServerResponse} response
 */
function signIn(response) {
  const id = randomUUID();
  visitors.set(id, `visitor ${visitors.size + 1}`);
  // Not readable by scripts, and not sent with requests from other sites.
  response.writeHead(204, { "set-cookie": `visitor=${id}; HttpOnly; SameSite=Strict; Path=/` }).end();
}

/** @param {string | undefined} cookies @param {import("node:http").ServerResponse} response */
function signOut(cookies, response) {
  visitors.delete(idIn(cookies));
  response.writeHead(204, { "set-cookie": "visitor=; Max-Age=0; Path=/" }).end();
}

/** @param {string | null | undefined} cookies */
function visitorOf(cookies) {
  return visitors.get(idIn(cookies));
}

/** @param {string | null | undefined} cookies */
function idIn(cookies) {
  return /(?:^|; )visitor=([\w-]+)/.exec(cookies ?? "")?.[1] ?? "";
}

/** Returns the URL of the package's single file for browsers. A bundler makes this unnecessary. */
function moduleUrl() {
  return new URL("index.js", import.meta.resolve("graphql-token-manager"));
}

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the top of ${fileURLToPath(import.meta.url)}`);
  return value;
}
