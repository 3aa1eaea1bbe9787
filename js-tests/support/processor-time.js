/**
 * How much work something is: a busy machine changes how long it takes, and hardly how much of the processor.
 *
 * @module
 */

/**
 * The time for which a task keeps the processor, in milliseconds; whatever else this process does meanwhile included.
 * @param {() => unknown} task
 */
export async function processorMsOf(task) {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
