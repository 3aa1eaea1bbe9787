// The program as installed by npm, in a folder that contains only the package.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { sandboxFor } from "../support/setup.js";
import { folderFor } from "../stores/support.js";
import { apis, PACKAGE, run } from "./support.js";

const execute = promisify(execFile);
const PACKED = fileURLToPath(new URL("../../target/npm/", import.meta.url));
const COMMANDS = ["token", "header", "status", "watch", "scopes", "doctor", "sandbox", "demo"];

/** @type {(() => Promise<void>)[]} */
const endings = [];
/** Folder in which the tarball is installed. */
let folder = "";

before(async () => {
  folder = await folderFor({ after: (/** @type {any} */ end) => void endings.push(end) });
  const [tarball = ""] = (await readdir(PACKED)).filter((name) => name.endsWith(".tgz"));
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  await execute("npm", ["install", "--offline", "--no-audit", "--no-fund", join(PACKED, tarball)], {
    cwd: folder,
  });
});

after(async () => {
  for (const end of endings) await end();
});

/**
 * @param {readonly string[]} words
 * @param {Record<string, string>} [env]
 * @returns {Promise<{ stdout: string, stderr: string, code?: number }>}
 */
const npx = (words, env) =>
  execute("npx", ["--no-install", "graphql-token-manager", ...words], {
    cwd: folder,
    env: { ...process.env, ...env },
  }).catch((failure) => failure);

test("npx runs the program, which prints a token", async (t) => {
  const sandbox = await sandboxFor(t);
  const { flags, env } = apis(sandbox).toggle;

  const { stdout } = await npx(["token", ...flags], env);

  assert.match(stdout, /^eyJ[\w.-]+\n$/);
});

for (const command of ["sandbox", "demo"]) {
  test(`without graphql-yoga, ${command} names the package to install`, async () => {
    const program = join(folder, "node_modules/.bin/graphql-token-manager");
    const { stderr, code } = await execute(program, [command, "--json"]).catch((failure) => failure);

    const { error } = JSON.parse(stderr);
    assert.equal(code, 1);
    assert.equal(error.code, "missing_package");
    assert.match(error.message, /npm install --save-dev graphql graphql-yoga/);
  });
}

test("npx runs the program as the command of its own sandbox, without flags for what the sandbox sets", async (t) => {
  const packages = ["graphql", "graphql-yoga"];
  await Promise.all(
    packages.map((name) => symlink(join(dirname(PACKAGE), name), join(folder, "node_modules", name))),
  );
  t.after(() => Promise.all(packages.map((name) => rm(join(folder, "node_modules", name)))));
  const inner = ["npx", "--no-install", "graphql-token-manager", "token", "--provider", "fluz"];

  const { stdout, stderr } = await npx(["sandbox", "--", ...inner, "--scopes", "LIST_OFFERS"]);

  assert.match(stdout, /^eyJ[\w.-]+\n$/, stderr);
});

test("--version prints the version, --help lists the commands", async () => {
  const { version } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));

  const outputs = [["--version"], ["--help"], [], ["help", "token"], ["token", "--help"]].map((args) =>
    run(args),
  );
  const [versionOutput, help, nothing, helpCommand, helpFlag] = await Promise.all(outputs);

  assert.deepEqual(versionOutput, { status: 0, stdout: `${version}\n`, stderr: "" });
  assert.deepEqual(nothing, help);
  assert.deepEqual(helpCommand, helpFlag);
  for (const command of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${command} +\\w`, "m"));
});

for (const command of COMMANDS) {
  test(`${command} --help lists its flags, examples and exit statuses`, async () => {
    const help = await run([command, "--help"]);

    assert.equal(help.status, 0);
    assert.equal(help.stderr, "");
    assert.match(help.stdout, new RegExp(`^Usage: graphql-token-manager ${command} .*\\n\\n.+`));
    assert.match(help.stdout, /\nExamples:\n.*graphql-token-manager/s);
    assert.match(help.stdout, /Ends with 0 when done, 1 .* 2 .* 75 /s);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 130, line);
    // Examples use existing flags only.
    const known = new Set(
      help.stdout.match(/^ +(?:-\w, )?--[\w-]+/gm)?.map((flag) => flag.replace(/.*--/, "")),
    );
    const [, examples = ""] = help.stdout.split("\nExamples:\n");
    const own = examples.replaceAll(/\bcurl .*| -- .*/g, "");
    for (const [, flag] of own.matchAll(/ --([a-z-]+)/g)) assert.ok(known.has(flag), flag);
  });
}
