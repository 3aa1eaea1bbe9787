#!/usr/bin/env node
// Entry point of the command line: `npx graphql-token-manager --help`.

import { main } from "./main.js";

process.exitCode = await main(process.argv.slice(2));
