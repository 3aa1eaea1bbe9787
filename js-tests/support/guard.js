/**
 * Fails a test file in which a rejection was lost, also one that is found after the tests have ended: node:test only
 * mentions those.
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
