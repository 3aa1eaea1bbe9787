/**
 * The shop of examples/broker, run as a user would, and visited in Chromium.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startSandbox } from "graphql-token-manager/testing";
import { chromiumFor } from "../stores/browsers.js";
import { Gate } from "../support/waiting.js";
import { runExample } from "./support.js";

/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @param {Sandbox} sandbox */
const environment = ({ fluz: { endpoint, apiKey, userId, accountId } }) => ({
  PORT: "0",
  FLUZ_ENDPOINT: endpoint,
  FLUZ_API_KEY: apiKey,
  FLUZ_USER_ID: userId,
  FLUZ_ACCOUNT_ID: accountId,
});

/**
 * Runs in the page: clicks an element, if given, and waits until the page shows a text.
 * @param {{ click?: string, shows: string }} given
 */
async function uses({ click, shows }) {
  if (click !== undefined) document.getElementById(click)?.click();
  for (let tries = 0; tries < 40_000; tries++) {
    if (document.body.innerText.includes(shows)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const offers = document.querySelectorAll("#offers li").length;
  return { text: document.body.innerText, offers, cookie: document.cookie };
}

test("a visitor signs in, sees offers across a revocation, and signs out", async (t) => {
  const sandbox = await startSandbox();
  t.after(() => sandbox.close());
  let stop = () => {};
  t.after(() => stop());
  /** @type {Gate<string>} */
  const opened = new Gate();
  const ending = runExample("broker/server.js", [], environment(sandbox), (stdout, kill) => {
    stop = kill;
    const url = /Open (http:\S+)/.exec(stdout)?.[1];
    if (url !== undefined) opened.open(url);
  });
  const browser = await chromiumFor(t);
  const tab = await browser.tab(await opened.opened, () => document.body.className !== "");

  const stranger = await tab.run(uses, { shows: "Sign in" });
  const known = await tab.run(uses, { click: "sign-in", shows: "3 offers from the API" });
  sandbox.revoke();
  const later = await tab.run(uses, { click: "load", shows: "(refused)" });
  const gone = await tab.run(uses, { click: "sign-out", shows: "Sign in" });
  stop();
  const { status, stdout, stderr } = await ending;

  assert.deepEqual([stranger.offers, known.offers, gone.offers], [0, 3, 0]);
  assert.match(known.text, /fresh, (9:5\d|10:00) left/);
  assert.ok(later.text.includes("a token from the broker (refused)"));
  assert.equal(known.cookie, "", "scripts see no cookie");
  assert.equal(stderr, "");
  assert.match(stdout, /^Open http:\S+\n$/);
  assert.equal(status, 0);
});

test("the server names the variable that is not set", async (t) => {
  const sandbox = await startSandbox();
  t.after(() => sandbox.close());
  const { FLUZ_API_KEY: _, ...rest } = environment(sandbox);

  const { status, stderr } = await runExample("broker/server.js", [], rest);

  assert.equal(status, 1);
  assert.match(stderr.slice(0, 2_000), /FLUZ_API_KEY is not set/);
});
