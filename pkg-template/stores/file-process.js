// Who holds a lease of a `fileStore`, and whether that process is gone.
//
// In doubt it is not: then the lease's time decides.

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * `place` is where `pid` means something, `born` tells this process from a later one of the same number.
 *
 * @typedef {{ place: string, pid: number, born: string }} Holder
 */

/** @returns {Holder} */
export const ownProcess = () =>
  (own ??= { place: place(), pid: process.pid, born: birthOf(process.pid) ?? "" });

/** @type {Holder | undefined} */
let own;

/**
 * The machine since it was started, and the container: each has its own numbers for processes.
 */
function place() {
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const container = attempt(() => readlinkSync("/proc/self/ns/pid"));
  return [hostname(), boot ?? "", container ?? ""].join(" ");
}

/** @param {Holder} holder */
export function isDead(holder) {
  const { place, pid, born } = holder;
  if (place !== ownProcess().place || !Number.isInteger(pid) || pid <= 0) return false;
  if (process.platform === "linux") {
    const now = birthOf(pid);
    if (now !== undefined && born !== "") return now !== born;
  }
  try {
    // Sends nothing.
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return /** @type {{ code?: string }} */ (Object(error)).code === "ESRCH";
  }
}

/**
 * When a process was started, in ticks; another word if it has ended and its parent has not noticed, nothing if this
 * system does not tell.
 * @param {number} pid
 */
function birthOf(pid) {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (stat === undefined) return undefined;
  // Behind the program's name, which may hold anything: the state is the third field, the start the twenty-second.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
}

/**
 * @template T
 * @param {() => T} action
 * @returns {T | undefined}
 */
function attempt(action) {
  try {
    return action();
  } catch {
    // No Linux, or Deno without the permission.
    return undefined;
  }
}
