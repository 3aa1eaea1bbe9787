/**
 * Bundle size of each client, and time from import until it can be used.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright-core";

import { median } from "./held.js";

/**
 * @typedef {object} Bundled
 * @property {string} package
 * @property {string} name the imported name
 * @property {string} [ready] an expression that creates a client and resolves when it can be used; absent if it
 *   requires a page
 * @property {boolean} [node] true if it supports Node only
 */

/** @type {Bundled[]} */
export const BUNDLES = [
  {
    package: "graphql-token-manager",
    name: "TokenManager",
    ready: `new it({ provider: { name: "bench", endpoint: "https://auth.bench.test", grant() {} } }).ready()`,
  },
  {
    package: "@smithy/property-provider",
    name: "memoize",
    ready: "it(async () => 1, () => false, () => true)",
  },
  {
    package: "@badgateway/oauth2-client",
    name: "OAuth2Client, OAuth2Fetch",
    ready: `new module.OAuth2Fetch({ client: new module.OAuth2Client({ clientId: "a" }), getNewToken() {} })`,
  },
  { package: "google-auth-library", name: "OAuth2Client", ready: `new it({ clientId: "a" })`, node: true },
  {
    package: "@azure/core-rest-pipeline",
    name: "bearerTokenAuthenticationPolicy",
    ready: `it({ credential: {}, scopes: "read" })`,
  },
  {
    package: "@azure/msal-node",
    name: "ConfidentialClientApplication",
    ready: `new it({ auth: { clientId: "a", clientSecret: "b", authority: "https://auth.bench.test/tenant" } })`,
    node: true,
  },
  {
    package: "oidc-client-ts",
    name: "UserManager, WebStorageStateStore, InMemoryWebStorage",
    ready: `new it({ authority: "https://auth.bench.test", client_id: "a", redirect_uri: "https://auth.bench.test",
      userStore: new module.WebStorageStateStore({ store: new module.InMemoryWebStorage() }),
      stateStore: new module.WebStorageStateStore({ store: new module.InMemoryWebStorage() }) })`,
  },
  { package: "@supabase/auth-js", name: "GoTrueClient" },
  { package: "@auth0/auth0-spa-js", name: "Auth0Client" },
  { package: "@azure/msal-browser", name: "PublicClientApplication" },
];

const FOLDER = fileURLToPath(new URL("..", import.meta.url));

/**
 * Returns the bundle size in bytes of a program that imports the client.
 *
 * @param {Bundled} bundled
 */
export async function sizeOf({ package: from, name, node }) {
  const code = await bundle(`export { ${name} } from ${JSON.stringify(from)};`, node);
  return {
    minified: code.length,
    gzip: gzipSync(code, { level: 9 }).length,
    brotli: brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
  };
}

/**
 * @param {string} contents
 * @param {boolean} [node]
 */
async function bundle(contents, node = false) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: FOLDER },
    bundle: true,
    minify: true,
    format: "esm",
    platform: node ? "node" : "browser",
    // This chunk is loaded only to compute the scopes that an error lacks, so it is not part of the entry.
    external: ["./scopes.js"],
    write: false,
    logLevel: "error",
    legalComments: "none",
  });
  return Buffer.from(outputFiles[0].contents);
}

/**
 * Returns a program that imports the package as `module`, its first name as `it`, and awaits `ready`.
 *
 * @param {Bundled} bundled
 */
const startOf = ({ package: from, name, ready }) =>
  `const module = await import(${JSON.stringify(from)}); const it = module.${name.split(",")[0]}; await (${ready});`;

/**
 * Returns the median time from import to ready in milliseconds, each measured in a new process.
 *
 * @param {Bundled[]} contestants
 * @param {number} rounds
 */
export async function startsInNode(contestants, rounds) {
  return inTurns(contestants, rounds, async (contestant) => {
    const program = `const began = performance.now(); ${startOf(contestant)} console.log(performance.now() - began); process.exit();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      cwd: FOLDER,
    });
    return Number(stdout);
  });
}

/**
 * Returns the same for Chromium: each measured in a new page without a cache, with bundles served over loopback.
 *
 * @param {Bundled[]} contestants
 * @param {number} rounds
 */
export async function startsInChromium(contestants, rounds) {
  const served = new Map([["/", Buffer.from("<!doctype html><title>bench</title>")]]);
  for (const contestant of contestants) {
    const { package: from, name, ready } = contestant;
    const contents = `import * as module from ${JSON.stringify(from)}; const it = module.${name.split(",")[0]}; export const start = async () => { await (${ready}); };`;
    served.set(`/${from}`, await bundle(contents));
  }
  const server = createServer(({ url = "" }, response) => {
    const found = served.get(url);
    const type = url === "/" ? "text/html" : "text/javascript";
    response.writeHead(found ? 200 : 404, { "content-type": type, "cache-control": "no-store" }).end(found);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    return await inTurns(contestants, rounds, async ({ package: from }) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      const took = await page.evaluate(async (path) => {
        const began = performance.now();
        const { start } = await import(path);
        await start();
        return performance.now() - began;
      }, `/${from}`);
      await context.close();
      return took;
    });
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

/**
 * @param {Bundled[]} contestants
 * @param {number} rounds
 * @param {(contestant: Bundled) => Promise<number>} measure
 */
async function inTurns(contestants, rounds, measure) {
  /** @type {Map<string, number[]>} */
  const taken = new Map(contestants.map((contestant) => [contestant.package, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      const took = await measure(contestant);
      // The first round warms the caches of the machine.
      if (round > 0) taken.get(contestant.package)?.push(took);
    }
  }
  return new Map([...taken].map(([name, times]) => [name, median(times)]));
}
