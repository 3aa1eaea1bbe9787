// Identifies the process that holds a lease of a `fileStore`, and detects whether it has ended.
//
// If that cannot be determined, the process counts as running, and the lease ends at its time.

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * `place` is the scope in which `pid` is valid; `born` distinguishes the process from a later one with the same
 * number.
 *
 * @typedef {{ place: string, pid: number, born: string }} Holder
 */

/** @returns {Holder} */
export const ownProcess = () =>
  (own ??= { place: place(), pid: process.pid, born: processStartTime(process.pid) ?? "" });

/** @type {Holder | undefined} */
let own;

/**
 * Returns the identity of the current boot and of the container: each has its own process numbers.
 */
function place() {
  const boot = attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
  const container = attempt(() => readlinkSync("/proc/self/ns/pid"));
  return [hostname(), boot ?? "", container ?? ""].join(" ");
}

/** @param {Holder} holder */
export function isProcessGone(holder) {
  const { place, pid, born } = holder;
  if (place !== ownProcess().place || !Number.isInteger(pid) || pid <= 0) return false;
  if (process.platform === "linux") {
    const now = processStartTime(pid);
    if (now !== undefined && born !== "") return now !== born;
  }
  try {
    // Signal 0 only checks whether the process exists.
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return /** @type {{ code?: string }} */ (Object(error)).code === "ESRCH";
  }
}

/**
 * Returns the start time of a process in clock ticks, "ended" for one that its parent has not reaped, or undefined if
 * the system does not provide it.
 * @param {number} pid
 */
function processStartTime(pid) {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  if (stat === undefined) return undefined;
  // Parsed after the program's name, which may contain any character: the state is field 3, the start time field 22.
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
    // The file does not exist outside Linux, or Deno has no permission to read it.
    return undefined;
  }
}
