/**
 * Holders of a store: objects in this process, and separate processes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { TEST_TIMEOUT_MS } from "../support/timeouts.js";
import { until } from "../support/waiting.js";

/** @import { ChildProcess } from "node:child_process" */
/** @import { TestContext } from "node:test" */
/** @import { Lease, SharedStore } from "graphql-token-manager" */

/** @typedef {SharedStore} Store */

export const HOUR_MS = 3_600_000;
export const soon = () => Date.now() + HOUR_MS;

/**
 * Creates a folder that is removed after the test.
 * @param {{ after: TestContext["after"] }} t
 */
export async function folderFor(t) {
  const folder = await mkdtemp(join(tmpdir(), "graphql-token-manager-stores-"));
  t.after(async () => {
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

/**
 * Waits for the output with which a program reports that it is ready, and keeps reading, so that its pipe does not fill
 * up.
 * @param {ChildProcess} child
 * @param {RegExp} ready
 * @returns {Promise<RegExpExecArray>}
 */
export function said(child, ready) {
  let log = "";
  return new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error(`the program ended: ${log}`)));
    child.on("error", reject);
    child.stdout?.on("data", (piece) => {
      log += piece;
      const found = ready.exec(log);
      if (found !== null) resolve(found);
    });
  });
}

/**
 * Acquires a lease that is free.
 * @param {Store} store
 * @param {string} key
 * @param {number} [ttlMs]
 * @returns {Promise<Lease>}
 */
export async function lease(store, key, ttlMs = 60_000) {
  const granted = await store.acquire(key, ttlMs);
  if (granted === undefined) throw new Error("another holder has the lease");
  return granted;
}

/**
 * Acquires a lease as soon as it is free.
 * @param {Store} store
 * @param {string} key
 * @param {number} [ttlMs]
 */
export async function leaseInTime(store, key, ttlMs = 60_000) {
  const end = performance.now() + TEST_TIMEOUT_MS;
  while (performance.now() < end) {
    const granted = await store.acquire(key, ttlMs);
    if (granted !== undefined) return granted;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error("timed out waiting for a lease");
}

/**
 * Resolves when a condition holds.
 * @param {() => Promise<boolean>} condition
 */
export const eventually = (condition) => until(condition, "the condition holds");

/**
 * Watches a key; `changed` resolves when it changed.
 * @param {Store} store
 * @param {string} key
 * @returns {{ changed: Promise<void>, count: () => number, end: () => void }}
 */
export function watched(store, key) {
  let count = 0;
  let end = () => {};
  // Watching alone does not keep the process running.
  const keepAlive = setTimeout(() => {}, TEST_TIMEOUT_MS);
  const changed = new Promise((/** @type {(value: void) => void} */ resolve) => {
    end = store.watch(key, () => {
      count += 1;
      clearTimeout(keepAlive);
      resolve();
    });
  });
  return {
    changed,
    count: () => count,
    end: () => {
      clearTimeout(keepAlive);
      end();
    },
  };
}

/** The store that a process opens. @typedef {{ kind: "file", path: string } | { kind: "redis", url: string }} Place */

/**
 * Starts a process with its own store until the end of the test.
 * @param {{ after: TestContext["after"] }} t
 * @param {Place} place
 */
export async function holderFor(t, place) {
  const path = fileURLToPath(new URL("holder.js", import.meta.url));
  const child = fork(path, [JSON.stringify(place)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "message");
  return new Holder(child);
}

class Holder {
  /** @param {ChildProcess} child */
  constructor(child) {
    this.child = child;
  }

  /**
   * Runs one of the actions of `holder.js` in the process.
   * @param {string} name
   * @param {unknown[]} args
   * @returns {Promise<any>}
   */
  async do(name, ...args) {
    const answered = once(this.child, "message");
    this.child.send({ name, args });
    const [{ result, failure }] = await answered;
    if (failure !== undefined) throw new Error(failure);
    return result;
  }

  /** @param {NodeJS.Signals} signal */
  async kill(signal) {
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await ended;
  }
}

/**
 * Suspends a process that has the lease until the lease has expired, and resumes it after another has written.
 * @param {{ after: TestContext["after"] }} t
 * @param {Place} place
 * @param {Store} store
 */
export async function stopHolder(t, place, store) {
  const holder = await holderFor(t, place);
  const first = await holder.do("acquire", "key", 300);
  holder.child.kill("SIGSTOP");

  const second = await leaseInTime(store, "key");
  await store.set("key", "token", soon(), second.fence);
  holder.child.kill("SIGCONT");

  assert.equal(await holder.do("set", "key", "late", first), false);
  await holder.do("release");
  assert.equal(await store.get("key"), "token");
  assert.equal(await store.acquire("key", 1_000), undefined);
}
