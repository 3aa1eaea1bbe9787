// Completions in editors: the TypeScript language service with the installed package.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { projectFor } from "./project.js";

/** TypeScript 7 does not have a compiler API yet. @type {any} */
const ts = createRequire(import.meta.url)("typescript-6");

const PROGRAM = `
  import { TokenError, TokenManager } from "graphql-token-manager";
  declare const tokens: TokenManager;
  declare const thrown: unknown;
`;

/** @type {import("./project.js").Project} */
let project;
/** Returns the text of a file to the service. */
let text = "";
let version = 0;
/** @type {any} */
let service;

before(async (/** @type {any} */ t) => {
  project = await projectFor(t, "types");
  const file = project.path("edited.ts");
  service = ts.createLanguageService({
    getCompilationSettings: () => ({
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      strict: true,
      types: [],
    }),
    getScriptFileNames: () => [file],
    getScriptVersion: (/** @type {string} */ name) => (name === file ? `${version}` : "0"),
    getScriptSnapshot: (/** @type {string} */ name) =>
      ts.ScriptSnapshot.fromString(name === file ? text : readFileSync(name, "utf8")),
    getCurrentDirectory: () => project.folder,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: ts.sys.realpath,
  });
});
after(() => service?.dispose());

/**
 * Returns the names suggested at the `|` in a program.
 *
 * @param {string} written
 * @returns {string[]}
 */
function completions(written) {
  text = PROGRAM + written.replace("|", "");
  version++;
  const position = PROGRAM.length + written.indexOf("|");
  const found = service.getCompletionsAtPosition(project.path("edited.ts"), position, {});
  return (found?.entries ?? []).map((/** @type {any} */ { name }) => name);
}

describe("an editor suggests", () => {
  for (const [what, written] of [
    ["getToken", 'tokens.getToken({ scopes: ["|"] });'],
    ["getAccessToken", 'tokens.getAccessToken({ scopes: ["LIST_OFFERS", "|"] });'],
    ["authorization", 'tokens.authorization({ scopes: ["|"] });'],
    ["request", 'tokens.request("{ a }", {}, { scopes: ["|"] });'],
    ["session", 'tokens.session({ scopes: ["|"] });'],
  ]) {
    test(`the providers' scopes in ${what}`, () => {
      const names = completions(`${written}`);

      assert.ok(names.includes("MAKE_DEPOSIT"), `${names}`);
      assert.ok(names.includes("TRANSACTION_CHARGE"), `${names}`);
    });
  }

  test("the options of getToken", () => {
    const names = completions("tokens.getToken({ | });");

    assert.deepEqual(names.sort(), ["exactScopes", "minValidityMs", "scopes", "signal"]);
  });

  test("the codes of an error", () => {
    const names = completions('if (TokenError.is(thrown) && thrown.code === "|") throw thrown;');

    assert.ok(names.includes("insufficient_scope") && names.includes("graphql_errors"), `${names}`);
  });

  test("the details of an error after its code was compared", () => {
    const names = completions('if (TokenError.is(thrown) && thrown.code === "graphql_errors") thrown.|;');

    assert.ok(names.includes("errors") && names.includes("data"), `${names}`);
  });
});
