/**
 * Fails a test file that has an unhandled rejection, including one detected after the tests have ended, which node:test
 * only prints.
 *
 * @module
 */

/** @type {unknown[]} */
const lost = [];

process.on("unhandledRejection", (reason) => lost.push(reason));

process.on("exit", () => {
  if (lost.length === 0) return;
  const names = lost.map((reason) =>
    reason instanceof Error ? `${reason.name} ${reason.message}` : "no Error",
  );
  process.stderr.write(`${lost.length} unhandled rejections: ${names.join("; ")}\n`);
  process.exitCode = 1;
});
