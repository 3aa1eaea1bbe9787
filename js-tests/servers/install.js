/**
 * Installs the servers of the tests into the user's cache, which keeps them between runs and outside of the repository.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** @import { Description } from "./scenarios.js" */

const execute = promisify(execFile);
const HERE = import.meta.dirname;
const MANIFESTS = ["package.json", "package-lock.json"];

/** Returns the folder of a server's installation. @param {string} name */
export function installationOf(name) {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "graphql-token-manager/servers", name);
}

/**
 * Installs a server, unless the same versions are installed, and returns the folder.
 *
 * @param {string} name of the folder that describes it
 */
export async function install(name) {
  /** @type {{ default: Description }} */
  const { default: server } = await import(`./${name}/server.js`);
  if (server.installedBy !== undefined) return install(server.installedBy);
  const folder = installationOf(name);
  const steps = server.install ?? npmSteps(server.compile ?? []);
  const manifests = steps.manifests.map((file) => join(HERE, name, file));
  const digest = createHash("sha256").update(JSON.stringify(steps));
  for (const file of manifests) digest.update(await readFile(file));
  const versions = digest.digest("hex");
  const marker = join(folder, "installed");
  if ((await readFile(marker, "utf8").catch(() => "")) === versions) return folder;
  process.stderr.write(`==> Installing ${server.title} into ${folder} (some minutes)\n`);
  await mkdir(folder, { recursive: true });
  // An installation that is interrupted is repeated.
  await writeFile(marker, "");
  for (const file of manifests) await copyFile(file, join(folder, file.slice(join(HERE, name).length)));
  for (const [command = "", ...args] of steps.commands) await run(folder, command, args);
  await writeFile(marker, versions);
  return folder;
}

/** @typedef {{ manifests: string[], commands: string[][] }} InstallSteps */

/**
 * Returns the installation of npm packages. Install scripts do not run, because many download binaries; the packages in
 * `compile` are compiled from their sources instead, for the version of Node that the manifest names as `node`.
 *
 * @param {readonly string[]} compile
 * @returns {InstallSteps}
 */
function npmSteps(compile) {
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const commands = [["npm", "ci", "--ignore-scripts", ...quiet]];
  if (compile.length > 0) commands.push(["npm", "rebuild", "--build-from-source", ...compile]);
  return { manifests: MANIFESTS, commands };
}

/** @param {string} folder @param {string} command @param {string[]} args */
async function run(folder, command, args) {
  const { NODE_TEST_CONTEXT, NODE_OPTIONS, ...inherited } = process.env;
  const env = { ...inherited, npm_config_nodedir: join(folder, "node_modules/node") };
  try {
    await execute(command, args, { cwd: folder, env: withTools(env, folder), maxBuffer: 1 << 28 });
  } catch (cause) {
    const { stderr = "" } = /** @type {{ stderr?: string }} */ (cause);
    throw new Error(`\`${command} ${args.join(" ")}\` failed in ${folder}:\n${stderr.slice(-4_000)}`);
  }
}

/**
 * Returns an environment in which the tools of an installation come first, among them its Node.
 *
 * @param {NodeJS.ProcessEnv} env @param {string} folder
 */
export function withTools(env, folder) {
  return { ...env, PATH: `${join(folder, "node_modules/.bin")}:${join(folder, "bin")}:${env["PATH"]}` };
}
