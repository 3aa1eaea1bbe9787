// What an editor shows beside a name: every export, option, event and error of the contract says what it is.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("graphql-token-manager/package.json"));
/** TypeScript 7 has no interface for programs yet. @type {any} */
const ts = require("typescript-6");

/** Members and declarations, as the syntax tree calls them. */
const NAMED = new Set([
  ...["InterfaceDeclaration", "ClassDeclaration", "TypeAliasDeclaration", "FunctionDeclaration"],
  ...[
    "VariableStatement",
    "PropertySignature",
    "MethodSignature",
    "PropertyDeclaration",
    "MethodDeclaration",
  ],
]);

/**
 * The names in a file of types that nothing is said of.
 *
 * @param {string} name
 * @param {string} text
 * @returns {string[]}
 */
function undocumented(name, text) {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  /** @type {string[]} */
  const found = [];
  /** @param {any} node */
  const visit = (node) => {
    const kind = ts.SyntaxKind[node.kind];
    const start = node.getStart();
    const line = file.getLineAndCharacterOfPosition(start).line + 1;
    const comments = (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
      .map((/** @type {any} */ { pos, end }) => text.slice(pos, end))
      .filter((/** @type {string} */ comment) => comment.startsWith("/**"));
    const silent = NAMED.has(kind) && comments.length === 0 && !isPlain(node);
    if (silent) found.push(`${name}:${line} ${node.getText().split("\n")[0]}`);
    // Of a type's parts editors show nothing: what each code means has to be said of the whole.
    for (const code of codes(node)) {
      if (!comments.join().includes(`- \`${code}\`: `)) found.push(`${name}:${line} "${code}"`);
    }
    // The types of a platform are documented by the platform.
    const isGlobal = kind === "ModuleDeclaration" && node.name.text === "global";
    // What a method takes and gives is told by its own comment.
    if (!isGlobal && !/^(?:Method|Function)/.test(kind)) ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/**
 * The codes that a type allows, where it is one of codes.
 *
 * @param {any} node
 * @returns {string[]}
 */
function codes(node) {
  const isOfCodes = ts.SyntaxKind[node.kind] === "TypeAliasDeclaration" && node.name.text.endsWith("Code");
  return isOfCodes ? node.type.types.map((/** @type {any} */ { literal }) => literal.text) : [];
}

/**
 * What needs no words of its own: a key that only says that it may not be there, what fits into its parent's line, and
 * what another type has already said.
 *
 * @param {any} node
 */
function isPlain(node) {
  if (node.type !== undefined && node.questionToken !== undefined && node.type.getText() === "undefined")
    return true;
  const { parent } = node;
  const inLine = ts.SyntaxKind[parent.kind] === "TypeLiteral" && !parent.getText().includes("\n");
  const inherited = ts.SyntaxKind[node.kind] === "MethodSignature" && parent.heritageClauses?.length > 0;
  return inLine || inherited;
}

describe("the types", () => {
  const files = readdirSync(join(folder, "dist")).filter((name) => name.endsWith(".d.ts"));

  for (const name of files) {
    test(`${name} says of each name what it is`, () => {
      const text = readFileSync(join(folder, "dist", name), "utf8");

      assert.deepEqual(undocumented(name, text), []);
    });
  }

  test("what is not documented is found", () => {
    const text = `
      export interface A { b: 1;
        /** c */ c?: { d: 1 } }
      /** - \`f\`: f */ export type ECode = "f" | "g";
      /** h */ export function h(options: { i: 1 }): void;
      export declare class J { static k(): void }
    `;

    const found = undocumented("x", text).map((line) => line.replace(/^x:\d+ /, ""));

    assert.deepEqual(found, [
      "export interface A { b: 1;",
      "b: 1;",
      '"g"',
      "export declare class J { static k(): void }",
      "static k(): void",
    ]);
  });
});
