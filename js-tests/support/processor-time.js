/**
 * Measures work as CPU time, which, unlike wall-clock time, hardly depends on other load.
 *
 * @module
 */

/**
 * Returns the CPU time of a task in milliseconds, including other work of this process meanwhile.
 * @param {() => unknown} task
 */
export async function processorMsOf(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
