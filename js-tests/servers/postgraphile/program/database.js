/**
 * PostgreSQL of Debian, with a cluster of its own, that listens on a socket in the cluster's folder. It ends with the process
 * group of this process.
 *
 * @module
 */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, readFile, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** @import { ChildProcess } from "node:child_process" */

const execute = promisify(execFile);

/** Debian has a folder for each major version. */
const VERSIONS = "/usr/lib/postgresql";

export class Database {
  /** @type {ChildProcess | undefined} */
  #server;

  /** @param {string} folder that the cluster is in, or will be */
  constructor(folder) {
    this.folder = folder;
    this.data = join(folder, "data");
  }

  /**
   * Starts the server, and resolves when it accepts connections. The first time, it creates the cluster.
   *
   * @param {string} script
   * @param {Record<string, string>} variables of the script
   */
  async open(script, variables) {
    const isNew = await mkdir(this.folder).then(
      () => true,
      () => false,
    );
    if (isNew) {
      await giveToPostgres(this.folder);
      const options = ["-D", this.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
      const [program, ...args] = await commandOf("initdb", options);
      await execute(program, args, { cwd: "/" });
    }
    await this.start();
    const values = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
    if (isNew) await this.#psql(...values, "-f", script);
  }

  /** Starts the server, and resolves when it accepts connections. */
  async start() {
    const settings = ["listen_addresses=", `unix_socket_directories=${this.folder}`, "fsync=off"];
    const options = ["-D", this.data, ...settings.flatMap((setting) => ["-c", setting])];
    const [program, ...args] = await commandOf("postgres", options);
    const isReady = () =>
      this.#psql("-c", "select 1").then(
        () => true,
        () => false,
      );
    do {
      // After a crash, a new server ends at once until the processes of the old one have ended.
      if (!isRunning(this.#server)) this.#server = spawn(program, args, { cwd: "/", stdio: "ignore" });
      await sleep(50);
    } while (!(await isReady()));
  }

  /** Ends the server without a checkpoint. */
  async stop() {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || !isRunning(server)) return;
    const ended = once(server, "exit");
    const [pid] = (await readFile(join(this.data, "postmaster.pid"), "utf8")).split("\n");
    process.kill(Number(pid), "SIGQUIT");
    await ended;
  }

  /** @param {string[]} args */
  #psql(...args) {
    return execute("psql", ["-h", this.folder, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-q", ...args]);
  }
}

/** @param {ChildProcess | undefined} child */
const isRunning = (child) => child !== undefined && child.exitCode === null && child.signalCode === null;

/**
 * Returns the command of a program of the newest version. PostgreSQL refuses to run as root.
 *
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<[string, ...string[]]>}
 */
async function commandOf(program, args) {
  const versions = (await readdir(VERSIONS)).map(Number).sort((a, b) => a - b);
  const path = join(VERSIONS, `${versions.at(-1)}`, "bin", program);
  return isRoot() ? ["/usr/sbin/runuser", "-u", "postgres", "--", path, ...args] : [path, ...args];
}

const isRoot = () => process.getuid?.() === 0;

/** Permits PostgreSQL's user to write to a folder, and to reach it. @param {string} folder */
async function giveToPostgres(folder) {
  if (!isRoot()) return;
  const { stdout: user } = await execute("id", ["-u", "postgres"]);
  const { stdout: group } = await execute("id", ["-g", "postgres"]);
  await chown(folder, Number(user), Number(group));
  await chmod(dirname(folder), 0o711);
}
