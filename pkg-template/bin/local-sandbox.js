/**
 * Starts the sandbox of `graphql-token-manager/testing` for a command, and explains why it cannot start.
 *
 * @module
 */

import { CommandError } from "./errors.js";

/** @import { Sandbox, SandboxOptions } from "graphql-token-manager/testing" */

/**
 * @param {SandboxOptions} options
 * @param {string} command The command that needs it.
 * @returns {Promise<Sandbox>}
 * @throws {TypeError} for invalid options
 */
export async function startLocalSandbox(options, command) {
  const { startSandbox } = await import("graphql-token-manager/testing");
  try {
    return await startSandbox(options);
  } catch (error) {
    const { cause, code } = /** @type {Error & { code?: string }} */ (error);
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND") {
      const packages = "graphql and graphql-yoga";
      const remedy =
        "npm install --save-dev graphql graphql-yoga, or without a project: " +
        `npx -p graphql-token-manager -p graphql -p graphql-yoga graphql-token-manager ${command}`;
      throw new CommandError("missing_package", `${command} needs the packages ${packages}; ${remedy}`);
    }
    if (code === "EADDRINUSE")
      throw new CommandError(code, "the port is taken; write another --port, or none");
    throw error;
  }
}
