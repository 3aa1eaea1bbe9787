// The documentation that editors show for a name: each export, option, event and error code has one.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve("graphql-token-manager/package.json"));
/** TypeScript 7 does not have a compiler API yet. @type {any} */
const ts = require("typescript-6");

/** Syntax kinds of members and declarations. */
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
 * Returns the names without documentation in a declaration file.
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
    // Editors show no documentation for members of a union, so the comment of the type must describe each code.
    for (const code of codes(node)) {
      if (!comments.join().includes(`- \`${code}\`: `)) found.push(`${name}:${line} "${code}"`);
    }
    // Types of the platform are documented elsewhere.
    const isGlobal = kind === "ModuleDeclaration" && node.name.text === "global";
    // Parameters and results of a method are documented in its own comment.
    if (!isGlobal && !/^(?:Method|Function)/.test(kind)) ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/**
 * Returns the codes of a type that is a union of codes.
 *
 * @param {any} node
 * @returns {string[]}
 */
function codes(node) {
  const isOfCodes = ts.SyntaxKind[node.kind] === "TypeAliasDeclaration" && node.name.text.endsWith("Code");
  return isOfCodes ? node.type.types.map((/** @type {any} */ { literal }) => literal.text) : [];
}

/**
 * Returns true if a node does not require documentation: a key that is only declared absent, an inline member described
 * by its parent, or a member documented in another type.
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

describe("the type declarations", () => {
  const files = readdirSync(join(folder, "dist")).filter((name) => name.endsWith(".d.ts"));

  for (const name of files) {
    test(`of ${name} document each export`, () => {
      const text = readFileSync(join(folder, "dist", name), "utf8");

      assert.deepEqual(undocumented(name, text), []);
    });
  }

  test("without documentation are detected", () => {
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
