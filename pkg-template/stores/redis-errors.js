// Converts the failure of a command to a StoreError without any argument of the command: ioredis includes the whole
// command in its errors, and the server quotes arguments in some replies.

import { StoreError, wrongOption } from "./common.js";

/** The meaning of the server's error codes for this store, and the remedy. @type {Record<string, string>} */
const MEANINGS = {
  READONLY: "the server is a replica; after a failover, the client has to connect to the new primary",
  NOAUTH: "the connection is not authenticated; give the client a user name and a password",
  WRONGPASS: "the server refused the client's user name or password",
  LOADING: "the server is still loading its data",
  MASTERDOWN: "the server is a replica without a primary",
  CLUSTERDOWN: "the cluster does not serve this slot",
  MOVED: "the server is a node of a cluster; use a cluster client",
  CROSSSLOT: "the keys lie in different slots; `prefix` must not contain braces",
  MISCONF: "the server cannot save to its disk, and refuses writes",
  NOREPLICAS: "the server has too few replicas to accept writes",
  BUSY: "the server is running a script that does not end",
};

/**
 * Sends a command.
 *
 * @param {() => Promise<unknown>} action
 * @returns {Promise<unknown>} the reply
 * @throws StoreError with the server's error code, or the client's
 */
export async function describeFailures(action) {
  const reply = await attempt(action);
  // A reply is never `undefined`, but a client with callbacks returns that.
  if (reply === undefined) {
    throw wrongOption("redisStore needs a client whose `sendCommand` returns a promise of the reply");
  }
  return reply;
}

/** @param {() => Promise<unknown>} action */
async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    throw failure(error);
  }
}

/**
 * Messages of clients without a connection: node-redis before `connect()`, after it was closed and while offline, and
 * ioredis without its offline queue, after it was closed and after its retries. None of these errors has a code.
 */
const DISCONNECTED =
  /^The client is (?:closed|offline)|^Stream isn't writeable|^Connection is closed|^Reached the max retries per request/;

/**
 * @param {unknown} error
 * @returns {StoreError}
 */
function failure(error) {
  const { message, code, name } = /** @type {{ message?: unknown, code?: unknown, name?: unknown }} */ (
    Object(error)
  );
  const text = `${message}`;
  if (/subscriber mode|PubSub mode|^ERR Can't execute .*SUBSCRIBE/.test(text)) {
    return wrongOption(
      "redisStore needs a client that is not subscribed to channels; pass another client, or its `duplicate()`",
    );
  }
  if (DISCONNECTED.test(text)) {
    return new StoreError(
      "unavailable",
      "the Redis client is not connected; await its `connect()`, and check its address and that the server runs",
    );
  }
  const reply = serverCode(text);
  if (reply === "OOM") return new StoreError("full", "Redis is full (OOM); nothing was written");
  if (reply === "NOPERM")
    return new StoreError("unavailable", `Redis refused the command (NOPERM): ${permission(text)}`);
  if (reply !== undefined) {
    const meaning = MEANINGS[reply];
    return new StoreError(
      "unavailable",
      `Redis refused the command (${reply})${meaning ? `: ${meaning}` : ""}`,
    );
  }
  const shown = [code, name].find((word) => /^\w{1,60}$/.test(`${word ?? ""}`));
  return new StoreError(
    "unavailable",
    `the Redis client could not send the command (${shown ?? "unknown error"})`,
  );
}

/**
 * Returns the error code at the start of a reply. Redis before 7 wraps the reply of a command that was called by a
 * script.
 *
 * @param {string} text
 */
function serverCode(text) {
  const inner = /^ERR Error running script.*?-([A-Z]{2,})\b/.exec(text);
  return inner?.[1] ?? /^[A-Z]{2,}(?= |$)/.exec(text)?.[0];
}

/** Returns the permission that the user of the connection lacks. @param {string} text */
function permission(text) {
  const command = /run the '([a-z|]{1,30})' command/.exec(text)?.[1];
  if (command !== undefined) return `its user may not run the command ${command.toUpperCase()}`;
  return "its user may not use these keys or commands; allow keys and channels that start with `prefix`";
}
