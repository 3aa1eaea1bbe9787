import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { testExample } from "./support.js";

const run = promisify(execFile);

const { environment } = await testExample("typed-documents/offers.ts");

test("the generated documents match the generator's output for the API's schema, fetched with a token", async () => {
  const cwd = path.resolve(import.meta.dirname, "../../examples/clients/typed-documents");
  const generator = path.join(cwd, "node_modules/@graphql-codegen/cli/cjs/bin.js");

  await run(process.execPath, [generator, "--config", "codegen.ts", "--check"], {
    cwd,
    env: { ...process.env, ...environment },
  }).catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`));
});
