import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { build } from "esbuild";

const folder = path.dirname(createRequire(import.meta.url).resolve("graphql-token-manager/package.json"));

test("the simulated APIs import nothing of Node, so that a page can run them without the server", async () => {
  const { metafile } = await build({
    entryPoints: [path.join(folder, "testing/sandbox.js")],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    logLevel: "silent",
  });

  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  assert.ok(imports.length > 10);
  assert.deepEqual(
    imports.filter(({ external }) => external).map((it) => it.path),
    [],
  );
});

test("a text beyond Latin-1 has the Base64 form of its UTF-8 bytes", async () => {
  const { base64, base64Url, randomDigits, randomHex } = await import(
    path.join(folder, "testing/portable.js")
  );

  assert.equal(base64("zß水🍌?>"), Buffer.from("zß水🍌?>").toString("base64"));
  assert.equal(base64Url("zß水🍌?>~"), Buffer.from("zß水🍌?>~").toString("base64url"));
  assert.match(randomHex(16), /^[0-9a-f]{32}$/);
  assert.match(randomDigits(12), /^[1-9]\d{11}$/);
});
