// For the entry `/lazy`: the core is a file of its own, loaded at the first use.

import { TokenError } from "../token-error.js";

/** Loads the core. A failure is not remembered here, but by some browsers: Firefox keeps it until the page is reloaded. */
export async function loadCoreChunk() {
  try {
    return await import("../core-chunk.js");
  } catch {
    throw new TokenError(
      "network",
      "the core of graphql-token-manager, a file of its own with the entry /lazy, could not be loaded; " +
        "check the network and that the file is still on the server, load the page again, " +
        "and use the entry graphql-token-manager where there is no import(), as in service workers",
    );
  }
}
