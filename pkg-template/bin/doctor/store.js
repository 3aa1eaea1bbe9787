/**
 * The checks of a store: a folder, or a Redis server.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { UsageError } from "../errors.js";
import { fromVariable } from "../secrets.js";
import { failure, ok, warning } from "./checks.js";
import { RedisConnection } from "./redis-connection.js";

/** @import { Arguments } from "../args.js" */
/** @import { Check } from "./checks.js" */

/** Lifetime of the entries that the checks write, in ms. */
const LIFETIME_MS = 10_000;

const KEY = "doctor";

/**
 * Returns the place of the store: a folder, or the address of a server.
 *
 * @param {Arguments} args
 * @returns {string | URL | undefined}
 * @throws {UsageError}
 */
export function storeOf(args) {
  const variable = args.one("store-env");
  if (variable !== undefined && args.has("store")) {
    throw new UsageError("write --store or --store-env, not both");
  }
  const place = variable === undefined ? args.one("store") : fromVariable("store-env", variable);
  if (place === undefined || !/^rediss?:/i.test(place)) return place;
  const url = URL.canParse(place) ? new URL(place) : undefined;
  if (url === undefined || url.hostname === "") {
    throw new UsageError("the address of Redis is redis://HOST:PORT, or rediss: for TLS");
  }
  if (url.password !== "" && variable === undefined) {
    throw new UsageError(
      "a password in --store is not accepted: process lists and the shell's history show what is written here; write --store-env NAME for an environment variable",
    );
  }
  return url;
}

/**
 * @param {string | URL} place
 * @returns {Promise<Check[]>}
 */
export async function checkStore(place) {
  return typeof place === "string" ? checkFolder(place) : [await checkRedis(place)];
}

/**
 * Writes, reads and removes an entry.
 *
 * @param {string} path
 * @returns {Promise<Check[]>}
 */
async function checkFolder(path) {
  const { fileStore } = await import("graphql-token-manager/stores/file");
  /** @type {Check[]} */
  const warnings = [];
  const store = fileStore({
    path,
    onWarning: ({ message }) => {
      warnings.push(warning("store", message, "correct the owner and the mode of the folder: chmod 700"));
    },
  });
  try {
    // One key for all runs, because a file store keeps a file of each key for a while.
    const lease = await store.acquire(KEY, LIFETIME_MS);
    if (!lease) return [...warnings, ok("store", "the folder is in use by another check")];
    await store.set(KEY, "value", Date.now() + LIFETIME_MS, lease.fence);
    const found = await store.get(KEY);
    await store.delete(KEY);
    await lease.release();
    if (found !== "value") {
      const message = "the folder lost an entry that was just written";
      return [
        failure("store", message, "use a folder on a local disk, not one that is synchronized or cached"),
      ];
    }
    return [...warnings, ok("store", "the folder can be written and read")];
  } catch (error) {
    const { message, code } = /** @type {NodeJS.ErrnoException} */ (error);
    return [
      ...warnings,
      failure("store", message, "name a folder that this user may create and write, on a local disk", {
        code,
      }),
    ];
  }
}

const CONNECTION =
  "start the server, or correct the host and the port; a program has to `await client.connect()`";

/** What an error of the server means, and what to do. @type {Readonly<Record<string, readonly [string, string]>>} */
const REPLIES = {
  NOAUTH: ["requires a password", "put it into the address in a variable, and name that with --store-env"],
  WRONGPASS: ["refused the user name or the password", "correct the address in the variable of --store-env"],
  NOPERM: ["lets this user not run a command that the store needs", "allow GET, SET, DEL, EVAL and PUBLISH"],
  READONLY: ["is a replica", "connect to the primary"],
  LOADING: ["is still loading its data", "try again later"],
  MISCONF: ["cannot save to its disk, and refuses writes", "see the log of the server"],
  MOVED: [
    "is a node of a cluster",
    "use a cluster client in the program; this check needs the node of the key",
  ],
  ERR: ["refused a command", "Redis 5 or later, or Valkey, with EVAL is needed"],
};

/**
 * Connects, and runs the commands that the store uses.
 *
 * @param {URL} url
 * @returns {Promise<Check>}
 */
async function checkRedis(url) {
  const where = `Redis at ${url.host}`;
  const connection = new RedisConnection(url);
  try {
    await connection.open();
    const { username, password, pathname } = url;
    if (password !== "") {
      const user = username === "" ? [] : [decodeURIComponent(username)];
      await connection.run("AUTH", ...user, decodeURIComponent(password));
    }
    const database = pathname.slice(1);
    if (database !== "") await connection.run("SELECT", database);
    await connection.run("PING");
    const key = `graphql-token-manager:{doctor-${randomUUID()}}`;
    await connection.run("SET", key, "value", "PX", `${LIFETIME_MS}`);
    await connection.run("EVAL", "return redis.call('DEL', KEYS[1])", "1", key);
    return ok("store", `${where} accepts reads, writes and scripts`);
  } catch (error) {
    const { code = "unknown", isReply } = /** @type {Error & { code?: string, isReply?: boolean }} */ (error);
    if (isReply !== true) {
      return failure("store", `${where} cannot be reached (${code})`, CONNECTION, {
        code: "store",
        retryable: true,
      });
    }
    const [meaning, remedy] = REPLIES[code] ?? [`answered ${code}`, "see the log of the server"];
    return failure("store", `${where} ${meaning} (${code})`, remedy, {
      code: "store",
      retryable: code === "LOADING",
    });
  } finally {
    connection.close();
  }
}
