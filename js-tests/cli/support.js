/**
 * Runs the command line of the installed package in a separate process.
 *
 * @module
 */

import "../support/guard.js";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { secretsOf } from "../support/secrets.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";

/** @import { TestContext } from "node:test" */
/** @import { Sandbox } from "graphql-token-manager/testing" */

/** @typedef {{ status: number | null, stdout: string, stderr: string }} ExitResult */

/**
 * @typedef {object} How
 * @property {Record<string, string>} [env] Environment, in addition to the path.
 * @property {string} [input] Standard input; closed immediately if omitted.
 * @property {number} [aheadMs] Offset of the device's clock.
 * @property {number} [speed] Factor by which timers fire early.
 * @property {string} [cwd]
 */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

/** The folder of the installed package. */
export const PACKAGE = dirname(require.resolve("graphql-token-manager/package.json"));

const { bin } = require("graphql-token-manager/package.json");
export const PROGRAM = join(PACKAGE, bin["graphql-token-manager"]);

/**
 * Runs a command until it exits.
 * @param {readonly string[]} args
 * @param {How} [how]
 * @returns {Promise<ExitResult>}
 */
export function run(args, how) {
  return new Running(args, how).ended;
}

/**
 * Starts a command that runs until it is stopped, at the latest at the end of the test.
 * @param {TestContext} t
 * @param {readonly string[]} args
 * @param {How} [how]
 */
export function start(t, args, how) {
  const running = new Running(args, how);
  t.after(async () => {
    running.child.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

class Running {
  stdout = "";
  stderr = "";

  /**
   * @param {readonly string[]} args
   * @param {How} [how]
   */
  constructor(args, { env = {}, input, aheadMs = 0, speed = 1, cwd = ROOT } = {}) {
    const preload = `--import ${new URL("clock.js", import.meta.url).href}`;
    const clock = { NODE_OPTIONS: preload, AHEAD_MS: `${aheadMs}`, SPEED: `${speed}` };
    const moved = aheadMs !== 0 || speed !== 1;
    this.child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd,
      env: { PATH: process.env.PATH, LANG: "C.UTF-8", ...(moved ? clock : {}), ...env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: TEST_TIMEOUT_MS,
      // A signal that the command handles would look like success.
      killSignal: "SIGKILL",
    });
    // A command that does not read its input may have exited.
    this.child.stdin.on("error", () => {});
    this.child.stdin.end(input ?? "");
    this.child.stdout.setEncoding("utf8").on("data", (text) => (this.stdout += text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => (this.stderr += text));
    /** @type {Promise<ExitResult>} */
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (status) => resolve({ status, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Complete lines of standard output. */
  get lines() {
    return this.stdout.split("\n").slice(0, -1);
  }

  /**
   * Waits for the given number of lines on standard output.
   * @param {number} count
   */
  async said(count) {
    await until(
      () => this.lines.length >= count || this.child.exitCode !== null,
      `${count} lines were printed`,
    );
    assert.ok(this.lines.length >= count, `it ended: ${this.stderr}`);
    return this.lines;
  }

  /** @param {NodeJS.Signals} signal */
  stop(signal) {
    this.child.kill(signal);
    return this.ended;
  }
}

/**
 * Returns flags and environment for the sandbox's APIs.
 * @param {Sandbox} sandbox
 */
export function apis({ fluz, toggle, braintree }) {
  const { userId, accountId } = fluz;
  return {
    fluz: {
      flags: [
        ...[
          "--provider",
          "fluz",
          "--environment",
          "sandbox",
          "--endpoint",
          fluz.endpoint,
          "--scopes",
          "LIST_OFFERS",
        ],
        ...["--user-id", userId, "--account-id", accountId, "--api-key-env", "SECRET"],
      ],
      env: { SECRET: fluz.apiKey },
    },
    toggle: {
      flags: [
        ...["--provider", "toggle", "--endpoint", toggle.endpoint],
        ...["--username", toggle.username, "--password-env", "SECRET"],
      ],
      env: { SECRET: toggle.password },
    },
    braintree: {
      flags: [
        ...["--provider", "braintree", "--endpoint", braintree.endpoint, "--scopes", "CUSTOMER_CREATE"],
        ...["--client-id", braintree.clientId, "--client-secret-env", "SECRET"],
      ],
      env: { SECRET: braintree.clientSecret },
    },
  };
}

/**
 * Fails if the output of a command contains a secret, or standard error a token.
 * @param {Sandbox} sandbox
 * @param {{ stdout: string, stderr: string }} output
 */
export function assertKeepsSecrets(sandbox, { stdout, stderr }) {
  secretsOf(sandbox).forEach((secret, place) => {
    assert.ok(!`${stdout}${stderr}`.includes(secret), `secret number ${place} is shown`);
  });
  assert.doesNotMatch(stderr, /eyJ/, "a token is shown on standard error");
}

/**
 * Runs a command that must succeed without output on standard error.
 * @param {Sandbox} sandbox
 * @param {readonly string[]} args
 * @param {How} [how]
 */
export async function output(sandbox, args, how) {
  const result = await run(args, how);
  assert.equal(result.stderr, "");
  assert.equal(result.status, 0);
  assertKeepsSecrets(sandbox, result);
  return result.stdout;
}
