/**
 * Small projects in temporary folders. The packed tarball is installed in each; the tools that build and run them are
 * in the parent folder.
 *
 * @module
 */

import "../../support/guard.js";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { fluz, operations, sandboxFor } from "../../support/setup.js";
import { TEST_TIMEOUT_MS } from "../../support/timeouts.js";

/** @import { TestContext } from "node:test" */
/** @import { Sandbox } from "graphql-token-manager/testing" */

const execute = promisify(execFile);
const HERE = import.meta.dirname;
const BUILT = join(HERE, "../../../target/npm");

/** Output of `program.js` on success. */
export const RESULT = "granted, refreshed";

/** @type {Promise<string> | undefined} */
let workshop;

after(async () => {
  if (workshop !== undefined) await rm(await workshop, { recursive: true, force: true });
});

/** Creates a folder with the installed tarball and the tools. */
async function open() {
  const folder = await mkdtemp(join(tmpdir(), "graphql-token-manager-places-"));
  const installed = join(folder, "installed");
  await mkdir(installed);
  await writeFile(join(installed, "package.json"), '{ "private": true, "type": "module" }\n');
  await install(installed);
  await symlink(join(HERE, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Returns the path of the tarball that would be published. */
export async function tarball() {
  const { version } = JSON.parse(await readFile(join(BUILT, "package/package.json"), "utf8"));
  return join(BUILT, `graphql-token-manager-${version}.tgz`);
}

/**
 * Installs the tarball and the other dependencies in the folder's manifest.
 *
 * @param {string} folder
 */
export async function install(folder) {
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];
  await execute("npm", ["install", ...options, await tarball()], { cwd: folder });
}

/** @typedef {{ status: number | null, stdout: string, stderr: string }} Ended */

/** A project in a separate folder. */
export class Project {
  /** Number of the sandbox's requests that were checked already. */
  #looked = 0;

  /** @param {string} folder @param {Sandbox} sandbox @param {object} options Options of its manager. */
  constructor(folder, sandbox, options) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.options = options;
  }

  /**
   * Returns the path of a file in the project or in the tools.
   *
   * @param {string[]} parts
   */
  path = (...parts) => join(this.folder, ...parts);

  /**
   * Returns the path of a file of a tool.
   *
   * @param {string} name
   */
  tool = (name) => join(this.folder, "../node_modules", name);

  /**
   * Runs a file of a tool with this version of Node, in the project.
   *
   * @param {string} tool
   * @param {string[]} options
   */
  async node(tool, ...options) {
    const file = this.tool(tool);
    // esbuild replaces its script by a binary where install scripts were allowed.
    const isBinary = (await readFile(file)).subarray(1, 4).toString() === "ELF";
    return isBinary ? this.run(file, ...options) : this.run(process.execPath, file, ...options);
  }

  /**
   * Runs a program in the project until it exits.
   *
   * @param {string} command
   * @param {string[]} options
   * @returns {Promise<Ended>}
   */
  run(command, ...options) {
    const how = {
      cwd: this.folder,
      env: this.environment(),
      timeout: TEST_TIMEOUT_MS,
      killSignal: /** @type {const} */ ("SIGKILL"),
    };
    return new Promise((resolve) => {
      const child = execFile(command, options, how, (_error, stdout, stderr) => {
        resolve({ status: child.exitCode, stdout, stderr });
      });
    });
  }

  /**
   * Starts a server in the project until the end of the test; resolves with its address.
   *
   * @param {TestContext} t
   * @param {string} command
   * @param {string[]} options
   * @returns {Promise<string>}
   */
  serve(t, command, ...options) {
    // A separate process group, since servers start other processes.
    const child = spawn(command, options, { cwd: this.folder, env: this.environment(), detached: true });
    const ended = new Promise((resolve) => child.once("close", resolve));
    t.after(async () => {
      try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
      } catch {
        // It has already exited.
      }
      await ended;
    });
    return new Promise((resolve, reject) => {
      let said = "";
      const listen = (/** @type {Buffer} */ chunk) => {
        said += chunk;
        const address = /https?:\/\/(?:localhost|127\.0\.0\.1):(\d+)/.exec(said);
        if (address !== null) resolve(`http://127.0.0.1:${address[1]}`);
      };
      child.stdout.on("data", listen);
      child.stderr.on("data", listen);
      child.once("close", () => reject(new Error(`${command} ${options.join(" ")} ended:\n${said}`)));
    });
  }

  /** Checks that the sandbox received exactly one grant, one request and one refresh since the last check. */
  assertServed() {
    const seen = operations(this.sandbox).slice(this.#looked);
    assert.deepEqual(seen, ["generateUserAccessToken", "getOffers", "refreshUserAccessToken"]);
    this.#looked += seen.length;
  }

  /** Returns the environment of a program: that of the test, without the variables of the test runner. */
  environment() {
    const { NODE_TEST_CONTEXT, NODE_OPTIONS, NODE_ENV, ...inherited } = process.env;
    const folders = { HOME: this.folder, DENO_DIR: this.path(".deno"), XDG_CACHE_HOME: this.path(".cache") };
    const quiet = { CI: "1", NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1", DENO_NO_UPDATE_CHECK: "1" };
    return { ...inherited, ...folders, ...quiet, TOKEN_OPTIONS: JSON.stringify(this.options) };
  }
}

/**
 * Creates a project from a fixture, with a separate sandbox.
 *
 * @param {TestContext} t
 * @param {string} fixture
 */
export async function projectFor(t, fixture) {
  const [shared, sandbox] = await Promise.all([(workshop ??= open()), sandboxFor(t)]);
  const folder = await mkdtemp(join(shared, `${fixture}-`));
  await cp(join(shared, "installed"), folder, { recursive: true });
  await cp(join(HERE, "fixtures", fixture), folder, { recursive: true });
  const program = await readFile(join(HERE, "fixtures/program.js"), "utf8");
  await writeFile(join(folder, "program.js"), program);
  await writeFile(join(folder, "program.cjs"), commonJs(program));
  return new Project(folder, sandbox, fluz(sandbox, { retry: undefined }));
}

/**
 * Returns the program as a CommonJS module.
 *
 * @param {string} program
 */
function commonJs(program) {
  return program
    .replace(/^import (\{ \w+ \}) from ("[^"]+");$/gm, "const $1 = require($2);")
    .replace(/^export async function (\w+)/gm, "exports.$1 = async function");
}

/**
 * Fails unless the program succeeded without other output.
 *
 * @param {Ended} ended
 */
export function assertResult({ status, stdout, stderr }) {
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: `${RESULT}\n`, stderr: "" });
}

/**
 * Fails unless a tool succeeded without warnings.
 *
 * @param {Ended} ended
 */
export function assertQuiet({ status, stdout, stderr }) {
  const said = `${stdout}\n${stderr}`;
  assert.equal(status, 0, said);
  assert.doesNotMatch(said, /warn|error/i);
}
