// `sandbox`: the server, what it prints, and commands that run beside it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { listening } from "../support/server.js";
import { ask, createAccessToken } from "../sandbox/support.js";
import { until } from "../support/waiting.js";
import { folderFor } from "../stores/support.js";
import { run, start } from "./support.js";

const execute = promisify(execFile);

/** @import { TestContext } from "node:test" */

/**
 * Starts a sandbox that prints JSON.
 * @param {TestContext} t
 * @param {string[]} words
 */
async function sandboxBy(t, ...words) {
  const running = start(t, ["sandbox", "--json", ...words]);
  const [line = ""] = await running.said(1);
  return { running, details: JSON.parse(line) };
}

const MARCO = "{ marco }";

test("prints working endpoints and credentials, and exits with 0 on a signal", async (t) => {
  const { running, details } = await sandboxBy(t);
  const { fluz, toggle, braintree, acme, url } = details;

  const answer = await ask(fluz.endpoint, MARCO, {}, { authorization: `Basic ${fluz.apiKey}` });
  const result = await running.stop("SIGINT");

  assert.equal(answer.body.data.marco, "polo");
  for (const { endpoint } of [fluz, toggle, braintree, acme]) assert.ok(endpoint.startsWith(url));
  assert.equal(result.status, 0);
  assert.equal(result.stderr, "");
});

test("prints a file that shells and Node can read, dollar signs included", async (t) => {
  const running = start(t, ["sandbox"]);
  await until(() => running.stdout.includes("ACME_SECRET"), "all was printed");
  const file = join(await folderFor(t), "sandbox.env");
  await writeFile(file, running.stdout);
  await running.stop("SIGTERM");
  const { details } = await sandboxBy(t);

  const env = { PATH: `${process.env.PATH}` };
  const shell = await execute("sh", ["-c", `. ${file}; printf %s "$BRAINTREE_CLIENT_SECRET"`], { env });
  const print = "process.stdout.write(JSON.stringify(process.env))";
  const node = await execute(process.execPath, [`--env-file=${file}`, "--eval", print], { env });

  assert.equal(shell.stdout, details.braintree.clientSecret);
  const { FLUZ_API_KEY, FLUZ_USER_ID, BRAINTREE_CLIENT_ID, TOGGLE_USERNAME, TOGGLE_PASSWORD, SANDBOX_URL } =
    JSON.parse(node.stdout);
  assert.deepEqual(
    [FLUZ_API_KEY, FLUZ_USER_ID, BRAINTREE_CLIENT_ID, TOGGLE_USERNAME, TOGGLE_PASSWORD],
    [
      details.fluz.apiKey,
      details.fluz.userId,
      details.braintree.clientId,
      details.toggle.username,
      details.toggle.password,
    ],
  );
  assert.match(SANDBOX_URL, /^http:\/\/127\.0\.0\.1:\d+$/);
});

test("has the requested lifetimes, variants and faults", async (t) => {
  const { details } = await sandboxBy(
    t,
    ...["--lifetime", "braintree=1m", "--variant", "fluz.tokenField=accessToken"],
    ...["--variant", "fluz.rotation=false", "--fault", "kind=status,status=503,provider=toggle,times=1"],
    ...["--fault", '{"kind":"date","offsetMs":-86400000,"provider":"fluz"}'],
  );
  const { fluz, toggle } = details;

  const broken = await fetch(toggle.endpoint, { method: "POST" });
  const { expiresAt } = await createAccessToken(details, ["TRANSACTION_FIND"]);
  const spelling = await ask(
    fluz.endpoint,
    `mutation { generateUserAccessToken(userId: "${fluz.userId}", accountId: "${fluz.accountId}", scopes: [LIST_OFFERS])
      { accessToken } }`,
    {},
    { authorization: `Basic ${fluz.apiKey}` },
  );

  assert.equal(broken.status, 503);
  assert.ok(Date.parse(expiresAt) - Date.now() <= 60_000);
  assert.ok(Date.parse(spelling.headers.get("date") ?? "") < Date.now() - 86_000_000);
  assert.match(spelling.body.data.generateUserAccessToken.accessToken, /^eyJ/);
});

test("runs a command with the variables in its environment, and exits with its status", async () => {
  const program = `fetch(process.env.FLUZ_ENDPOINT, { method: "POST",
    headers: { "content-type": "application/json", authorization: "Basic " + process.env.FLUZ_API_KEY },
    body: '{"query":"${MARCO}"}' }).then((answer) => answer.json())
    .then(({ data }) => { console.log(data.marco, process.argv[1]); process.exitCode = 7; })`;

  const result = await run(["sandbox", "--", process.execPath, "--eval", program, "--", "--json"]);

  assert.deepEqual(result, { status: 7, stdout: "polo --json\n", stderr: "" });
});

test("is terminated by a second signal if its server does not close after the first", async (t) => {
  const hanging = 'import http from "node:http"; http.Server.prototype.close = function () { return this; };';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hanging)}` };
  const running = start(t, ["sandbox", "--json"], { env });
  await running.said(1);

  // A signal that arrives before the previous one was handled is merged with it.
  running.child.kill("SIGTERM");
  const again = setInterval(() => running.child.kill("SIGTERM"), 200);
  await running.ended.finally(() => clearInterval(again));

  assert.deepEqual([running.child.exitCode, running.child.signalCode], [null, "SIGTERM"]);
});

test("forwards a signal to the command, and exits with its status", async (t) => {
  const program = "console.log('ready'); setInterval(() => {}, 1000)";
  const running = start(t, ["sandbox", "--", process.execPath, "--eval", program]);
  await running.said(1);

  const { status } = await running.stop("SIGTERM");

  assert.equal(status, 128 + 15);
});

test("fails with a system error code if the port is taken or the command does not exist", async (t) => {
  const { port } = new URL(await listening(t, createServer()));

  const taken = await run(["sandbox", "--port", `${port}`]);
  const missing = await run(["sandbox", "--", "no-such-command-here"]);

  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /sandbox: EADDRINUSE: /);
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /sandbox: ENOENT: /);
});
