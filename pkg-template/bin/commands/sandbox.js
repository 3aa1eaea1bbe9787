/**
 * The command `sandbox`: runs the local server of `graphql-token-manager/testing` and prints how to connect to it.
 * @module
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { CommandError, UsageError } from "../errors.js";
import { startLocalSandbox } from "../local-sandbox.js";
import { onSignal, onStop } from "../signals.js";
import { span, whole } from "../args.js";
import { variableOf, variablesByProvider } from "../variables.js";

/** @import { Sandbox, SandboxOptions } from "graphql-token-manager/testing" */
/** @import { Command } from "../main.js" */
/** @import { Arguments } from "../args.js" */

/** @type {Command} */
export const sandbox = {
  about: "run a local server that behaves as the providers document",
  rest: "COMMAND …",
  flags: {
    port: { value: "N", about: "where to listen on 127.0.0.1 (default 0: any free port)" },
    lifetime: { value: "API=SPAN", about: "of access tokens, e.g. fluz=10s; may be repeated", many: true },
    variant: { value: "API.KEY=VALUE", about: "e.g. toggle.sliding=every; may be repeated", many: true },
    fault: {
      value: "KEY=VALUE,…",
      about: "e.g. kind=status,status=503,provider=fluz,times=2, or JSON; may be repeated",
      many: true,
    },
  },
  text: `Runs Fluz, Toggle, Braintree and an API called acme on 127.0.0.1, and prints their endpoints and credentials as an .env
file once they answer; with --json as JSON. Stopped by SIGINT, SIGTERM or SIGHUP, it ends with 0. The credentials are
the same each time and open nothing else.

With -- COMMAND, prints nothing, runs the command with these variables in its environment, and ends as it does. Other
variables of the providers are removed. This program reads the variables by itself, the endpoint included. A program of
yours reaches the sandbox only if it passes the endpoint as an option: endpoint: process.env.FLUZ_ENDPOINT.

Needs the packages graphql and graphql-yoga. Lifetimes, variants and faults are those of startSandbox in
graphql-token-manager/testing, which documents them.`,
  examples: [
    "graphql-token-manager sandbox --port 4000 --lifetime fluz=10s > sandbox.env",
    "graphql-token-manager sandbox --fault kind=delay,ms=2000,provider=toggle -- npm test",
    "graphql-token-manager sandbox -- npx graphql-token-manager token --provider fluz --scopes LIST_OFFERS",
  ],
  async run({ args, json, print }) {
    const running = await start(args);
    try {
      const [command, ...rest] = args.rest ?? [];
      if (command !== undefined) return await runCommand(command, rest, variablesOf(running));
      print(json ? JSON.stringify(detailsOf(running)) : inEnv(variablesOf(running)));
      await new Promise((/** @type {(value: void) => void} */ resolve) => void onStop(resolve));
    } finally {
      await running.close();
    }
  },
};

/**
 * @param {Arguments} args
 * @returns {Promise<Sandbox>}
 */
async function start(args) {
  try {
    return await startLocalSandbox(/** @type {SandboxOptions} */ (optionsOf(args)), "sandbox");
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message.replace(/^startSandbox: /, ""));
    throw error;
  }
}

/** @param {Arguments} args */
function optionsOf(args) {
  const port = args.one("port");
  /** @type {Record<string, number>} */
  const lifetimes = {};
  for (const text of args.all("lifetime")) {
    const [name, value] = pair("lifetime", text);
    lifetimes[name] = span("lifetime", value);
  }
  /** @type {Record<string, Record<string, unknown>>} */
  const variants = {};
  for (const text of args.all("variant")) {
    const [name, value] = pair("variant", text);
    const [api = "", key, ...more] = name.split(".");
    if (key === undefined || more.length > 0) throw new UsageError("--variant takes API.KEY=VALUE");
    variants[api] = { ...variants[api], [key]: scalar(value) };
  }
  return {
    ...(port === undefined ? {} : { port: whole("port", port, 0, 65_535) }),
    lifetimes,
    variants,
    faults: args.all("fault").map(faultOf),
  };
}

/** @param {string} text */
function faultOf(text) {
  if (text.startsWith("{")) {
    try {
      return JSON.parse(text);
    } catch {
      throw new UsageError("--fault takes KEY=VALUE,… or JSON, and this is not JSON");
    }
  }
  const entries = text.split(",").map((part) => pair("fault", part));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === "scopes" ? value.split("+") : scalar(value)]),
  );
}

/**
 * @param {string} flag
 * @param {string} text
 * @returns {[name: string, value: string]}
 */
function pair(flag, text) {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--${flag} takes ${sandbox.flags[flag]?.value}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Converts a flag's value to a number or boolean where it is one, because the options distinguish them from strings.
 * @param {string} text
 */
function scalar(text) {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** @param {Sandbox} sandbox */
function detailsOf({ url, fluz, toggle, braintree, acme }) {
  return { url, fluz, toggle, braintree, acme };
}

/**
 * Returns the connection settings as environment variables: `FLUZ_API_KEY`, `BRAINTREE_CLIENT_ID` …
 * @param {Sandbox} sandbox
 * @returns {Record<string, string>}
 */
function variablesOf(sandbox) {
  const { url, ...apis } = detailsOf(sandbox);
  const own = Object.entries(apis).flatMap(([api, details]) =>
    Object.entries(details).map(([key, value]) => [variableOf(api, key), value]),
  );
  return { SANDBOX_URL: url, ...Object.fromEntries(own) };
}

/**
 * Formats variables for shells and Node's `--env-file`: in single quotes, in which a dollar sign is literal.
 * @param {Record<string, string>} variables
 */
function inEnv(variables) {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value}'`)
    .join("\n");
}

/**
 * Returns the environment of a command, without variables that would add real credentials to those of the sandbox.
 * @param {Record<string, string>} variables
 */
function environmentWith(variables) {
  const known = new Set(variablesByProvider().flatMap((provider) => provider.variables));
  const others = Object.entries(process.env).filter(([name]) => !known.has(name));
  return { ...Object.fromEntries(others), ...variables };
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} variables
 * @returns {Promise<number>} Its exit status, by the convention of shells.
 */
function runCommand(command, args, variables) {
  const child = spawn(command, args, { stdio: "inherit", env: environmentWith(variables) });
  const end = onSignal((signal) => {
    // The terminal sends Ctrl-C to the command as well, and many programs abort at a second signal.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
  return new Promise((resolve, reject) => {
    child.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      reject(new CommandError(error.code ?? "unknown", "the command after -- cannot be run"));
    });
    child.on("close", (status, signal) => {
      resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  }).finally(end);
}
