// For entries that are a single file: the core is a part of it.

import * as coreChunk from "../core-chunk.js";

export const loadCoreChunk = () => coreChunk;
