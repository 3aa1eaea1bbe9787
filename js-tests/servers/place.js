/**
 * Runs a real server in a temporary folder, on a free loopback port that it keeps when it is restarted.
 *
 * @module
 */

import { execFile, spawn } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../support/server.js";
import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";
import { install, withTools } from "./install.js";

/** @import { ChildProcess } from "node:child_process" */

const execute = promisify(execFile);

/**
 * The servers that run. They have process groups of their own, which a signal to the test does not reach.
 *
 * @type {Set<ChildProcess>}
 */
const running = new Set();

process.once("exit", killAll);
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => {
    killAll();
    process.exit(1);
  });
}

function killAll() {
  for (const child of running) kill(child);
}

/** @param {ChildProcess} child whose process group is killed */
function kill({ pid }) {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All its processes have ended already.
  }
}

/** Creates the place of a server, which is installed if necessary. @param {string} name */
export async function placeFor(name) {
  const installation = await install(name);
  const folder = await mkdtemp(join(tmpdir(), `graphql-token-manager-${name}-`));
  // Programs in the folder import the packages of the installation.
  await symlink(join(installation, "node_modules"), join(folder, "node_modules"));
  return new Place(installation, folder, await freePort());
}

/** The folder, the port and the process of a server. */
export class Place {
  /** @type {ChildProcess | undefined} */
  #child;
  /** What the server printed since its start, for errors. */
  #printed = "";

  /** @param {string} installation @param {string} folder @param {number} port */
  constructor(installation, folder, port) {
    this.installation = installation;
    this.folder = folder;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Returns the path of a file of an installed npm package. @param {string} file */
  module = (file) => join(this.installation, "node_modules", file);

  /**
   * Copies the folder `program` of a server's description into the folder of the server, from which it can import the
   * installed packages.
   *
   * @param {string} from folder of the description
   */
  async copyProgram(from) {
    await cp(join(from, "program"), this.folder, { recursive: true });
  }

  /**
   * Runs a command until it ends, and fails if it does.
   *
   * @param {readonly string[]} words
   * @param {Record<string, string>} [env]
   */
  async run([command = "", ...args], env) {
    await execute(command, args, { ...this.#how(env), timeout: TEST_TIMEOUT_MS });
  }

  /**
   * Starts the server, and resolves when it responds.
   *
   * @param {readonly string[]} words
   * @param {object} how
   * @param {Record<string, string>} [how.env]
   * @param {string} [how.ready] Path that responds without a server error when the server is ready.
   */
  async serve([command = "", ...args], { env, ready = "/" } = {}) {
    this.#printed = "";
    // A process group of its own, since some servers start other processes.
    const child = spawn(command, args, { ...this.#how(env), detached: true });
    this.#child = child;
    running.add(child);
    child.once("close", () => running.delete(child));
    const print = (/** @type {Buffer} */ chunk) => {
      this.#printed = (this.#printed + chunk).slice(-20_000);
    };
    child.stdout.on("data", print);
    child.stderr.on("data", print);
    const isReady = async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server ended at its start:\n${this.#printed}`);
      }
      const response = await fetch(this.url + ready, { redirect: "manual" }).catch(() => undefined);
      await response?.arrayBuffer();
      return response !== undefined && response.status < 500;
    };
    await until(isReady, "the server responds");
  }

  /** Returns the last lines that the server printed. */
  printed() {
    return this.#printed;
  }

  /** Ends the server without notice, as a crash does. */
  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = running.has(child) && new Promise((resolve) => child.once("close", resolve));
    kill(child);
    await ended;
  }

  /** Ends the server and removes its data. */
  async remove() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** @param {Record<string, string>} [env] */
  #how(env) {
    const { NODE_TEST_CONTEXT, NODE_OPTIONS, NODE_ENV, ...inherited } = process.env;
    return { cwd: this.folder, env: withTools({ ...inherited, NO_COLOR: "1", ...env }, this.installation) };
  }
}

/**
 * Sends JSON and returns the JSON of the response.
 *
 * @param {string} url
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function post(url, body, headers) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} responded with ${response.status}: ${text.slice(0, 500)}`);
  return text === "" ? undefined : JSON.parse(text);
}
