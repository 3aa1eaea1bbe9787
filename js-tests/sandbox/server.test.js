import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startSandbox } from "graphql-token-manager/testing";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { ask, fluzKey, generate, logIn, offers, sandboxFor } from "./support.js";

const run = promisify(execFile);

test("it listens on 127.0.0.1 and on no other address", async (t) => {
  const sandbox = await sandboxFor(t);
  const { port } = new URL(sandbox.url);

  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);

  assert.equal((await fetch(sandbox.url)).status, 404);
  for (const address of [...others, "127.0.0.2"]) await assert.rejects(fetch(`http://${address}:${port}/`));
});

test("it uses the given port, and reports if that is taken", async (t) => {
  const first = await sandboxFor(t);
  const port = Number(new URL(first.url).port);

  await assert.rejects(startSandbox({ port }), { code: "EADDRINUSE" });
  await first.close();
  const second = await sandboxFor(t, { port });

  assert.equal(second.url, first.url);
});

test(
  "close terminates idle and busy connections at once, and may be called again",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const sandbox = await startSandbox();
    sandbox.fault({ kind: "delay", ms: 1_000_000, operation: "getApplicationScopes" });
    const agent = new Agent({ keepAlive: true });
    const asking = request(sandbox.url, { agent }).end();
    const [[idle], [response]] = await Promise.all([once(asking, "socket"), once(asking, "response")]);
    await once(response.resume(), "end");
    const busy = ask(sandbox.fluz.endpoint, "{ getApplicationScopes }", {}, fluzKey(sandbox));
    const rejection = assert.rejects(busy, TypeError);
    await until(() => sandbox.requests().length > 0, "the request has arrived");

    const closing = sandbox.close();
    assert.equal(sandbox.close(), closing, "the second call waits for the first");
    await closing;

    await rejection;
    if (!idle.destroyed) await once(idle, "close");
    await assert.rejects(fetch(sandbox.url));
    await sandbox.close();
  },
);

test("it can be disposed of, as `await using` does", async () => {
  const sandbox = await startSandbox();

  await sandbox[Symbol.asyncDispose]();

  await assert.rejects(fetch(sandbox.url));
});

test("pages of any origin may send requests, and read the token headers", async (t) => {
  const sandbox = await sandboxFor(t);

  const preflight = await fetch(sandbox.toggle.endpoint, {
    method: "OPTIONS",
    headers: {
      origin: "https://page.test",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,braintree-version",
    },
  });
  const { headers } = await logIn(sandbox);

  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  assert.equal(preflight.headers.get("access-control-allow-methods"), "GET, POST");
  const allowed = preflight.headers.get("access-control-allow-headers");
  assert.equal(allowed, "authorization,content-type,braintree-version");
  assert.equal(headers.get("access-control-allow-origin"), "*");
  const exposed = headers.get("access-control-expose-headers");
  assert.equal(exposed, "X-Authorization, Authorization, Date, Retry-After");
  assert.equal(sandbox.requests().length, 1);
});

test("exposeHeaders false hides the token headers from pages", async (t) => {
  const sandbox = await sandboxFor(t, { exposeHeaders: false });

  const { headers } = await logIn(sandbox);

  assert.equal(headers.get("access-control-allow-origin"), "*");
  assert.equal(headers.get("access-control-expose-headers"), null);
});

test("Accept selects the media type, and thus the status of an invalid document", async (t) => {
  const sandbox = await sandboxFor(t);
  const asking = (/** @type {string} */ accept) =>
    ask(sandbox.fluz.endpoint, "{ noSuchField }", {}, { ...fluzKey(sandbox), accept });

  const json = await asking("application/json");
  const graphql = await asking("application/graphql-response+json, application/json;q=0.9");

  assert.deepEqual([json.status, json.headers.get("content-type")], [200, "application/json; charset=utf-8"]);
  assert.deepEqual(
    [graphql.status, graphql.headers.get("content-type")],
    [400, "application/graphql-response+json; charset=utf-8"],
  );
});

test("a query may use GET, a mutation may not", async (t) => {
  const sandbox = await sandboxFor(t);
  const asking = (/** @type {string} */ query) =>
    fetch(`${sandbox.fluz.endpoint}?query=${encodeURIComponent(query)}`, { headers: fluzKey(sandbox) });

  const query = await asking("{ marco }");
  const mutation = await asking('mutation { refreshUserAccessToken(refreshToken: "x") { token } }');

  assert.deepEqual((await query.json()).data, { marco: "polo" });
  assert.equal(mutation.status, 405);
  assert.deepEqual(
    sandbox.requests().map(({ operation }) => operation),
    ["marco", "refreshUserAccessToken"],
  );
});

test("a body of more than a mebibyte gives 413", async (t) => {
  const sandbox = await sandboxFor(t);

  const status = await new Promise((resolve, reject) => {
    const asking = request(sandbox.fluz.endpoint, { method: "POST" }, ({ statusCode }) =>
      resolve(statusCode),
    );
    asking.on("error", reject);
    asking.write("x".repeat(1024 * 1024 + 1));
  });

  assert.equal(status, 413);
});

test("two sandboxes are independent", async (t) => {
  const one = await sandboxFor(t);
  const other = await sandboxFor(t);
  const { token } = await generate(one);

  const { status } = await offers(other, token);

  assert.equal(status, 401);
  assert.equal(other.counts().fluz.grants, 0);
});

test("credentials are the same at every start", async (t) => {
  const [one, other] = [await sandboxFor(t), await sandboxFor(t)];

  const { endpoint: _one, ...mine } = one.fluz;
  const { endpoint: _other, ...theirs } = other.fluz;
  assert.deepEqual(mine, theirs);
});

test("importing it has no side effects, and without graphql it names the package to install", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "sandbox-"));
  t.after(() => rm(folder, { recursive: true }));
  const source = dirname(fileURLToPath(import.meta.resolve("graphql-token-manager/testing")));
  await cp(source, join(folder, "testing"), { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const script = `
    const { startSandbox } = await import("./testing/index.js");
    // What loading modules took ends by itself; servers, sockets and timers would not.
    console.log(process.getActiveResourcesInfo().filter((name) => /server|socket|timeout|tcp/i.test(name)).length);
    await startSandbox().catch((error) => console.log(error.message));
  `;

  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: folder,
  });

  assert.equal(stderr, "");
  assert.equal(
    stdout,
    "0\nstartSandbox needs the packages graphql and graphql-yoga, which are optional; " +
      "npm install --save-dev graphql graphql-yoga\n",
  );
});
