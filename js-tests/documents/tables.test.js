// Tables of the documentation name all members of the types that they describe, with their defaults.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenError } from "graphql-token-manager";
import { read } from "./documents.js";

/**
 * Returns the rows of the first table below a heading, by the names in the first column: `a` and `b` of "`a`, `b`".
 *
 * @param {string} text
 * @param {string} heading
 */
function tableBelow(text, heading) {
  const [, below = ""] = text.split(new RegExp(`^${heading}$`, "m"));
  assert.notEqual(below, "", heading);
  const [, rows = ""] = /^\|[-|]+\|\n((?:\|.*\n)+)/m.exec(below) ?? [];
  assert.notEqual(rows, "", `a table below ${heading}`);
  const cells = rows
    .trim()
    .split("\n")
    .map((row) => row.split(/(?<!\\)\|/).slice(1, -1))
    .map((row) => row.map((cell) => cell.trim()));
  return new Map(
    cells.flatMap(([names = "", ...others]) =>
      [...names.matchAll(/`([\w.]+)[^`]*`/g)].map(([, name = ""]) => [name, others]),
    ),
  );
}

/**
 * Returns the members of a declaration with their default values, as the documentation comments state them. Members are
 * indented by two spaces, those of alternatives by eight.
 *
 * @param {string} types
 * @param {string} name
 */
function membersOf(types, name) {
  const declaration = new RegExp(
    `^export (?:interface|type|class) ${name}\\b.*?^(?:}| *}?\\)?;)$`,
    "ms",
  ).exec(types);
  assert.ok(declaration, name);
  const members = declaration[0].matchAll(
    /(?:^ *\/\*\*((?:(?!\*\/).)*)\*\/\n)?^(?: {2}| {8})(?:readonly )?(\w+)\??[:<(]/gms,
  );
  /** @type {Map<string, string | undefined>} */
  const found = new Map();
  for (const [, comment = "", member = ""] of members) {
    if (!found.get(member)) found.set(member, /@defaultValue (.*)/.exec(comment)?.[1]);
  }
  return found;
}

/** Reads a number as the types and the documentation write it: `10_000`, `10 000`, `10,000`. @param {string} text */
const plain = (text) => text.replaceAll(/[`"]|(?<=\d)[ _,](?=\d{3})/g, "").replace(/ ms$/, "");

const options = await read("pkg-template/options.d.ts");
const profile = await read("pkg-template/profile.d.ts");
const index = await read("pkg-template/index.d.ts");
const errors = await read("pkg-template/errors.d.ts");
const broker = await read("pkg-template/broker.d.ts");

/**
 * Returns the section of docs/options.md on each provider: it starts with the option that selects the provider.
 *
 * @returns {Promise<[document: string, headings: string[], types: string, names: string[], others: string[]][]>}
 */
async function sectionsOfProviders() {
  const text = await read("docs/options.md");
  const declared = [
    ...options.matchAll(/^export type (\w+) = CommonOptions & \{.*?^  provider: "(\w+)";/gms),
  ];
  assert.ok(declared.length > 3);
  return declared.map(([, type = "", provider = ""]) => {
    const [, heading = ""] = new RegExp(`^(## .*)\n\n\`provider: "${provider}"\``, "m").exec(text) ?? [];
    assert.notEqual(heading, "", `docs/options.md has a section on ${provider}`);
    return ["options", [heading], options, [type], ["provider"]];
  });
}

/** Tables, the declarations whose members they list, and members that are described elsewhere. */
const TABLES =
  /** @type {[document: string, headings: string[], types: string, names: string[], others?: string[]][]} */ ([
    ...(await sectionsOfProviders()),
    [
      "options",
      ["## Grants", "## Times", "## Requests", "## Stores and sessions", "## Runtimes"],
      options,
      ["CommonOptions", "retry.RetryOptions", "sessions.SessionOptions"],
      ["retry", "sessions"],
    ],
    ["custom-apis", ["## As data"], profile, ["ProfileBase", "Profile"]],
    [
      "api",
      ["`getToken`, `getAccessToken` and `authorization` accept:"],
      index,
      ["GetTokenOptions", "RefreshOptions"],
    ],
    ["requests", ["## `tokens.request`"], index, ["RequestOptions"]],
    ["broker", ["## Options of the broker"], broker, ["BrokerOptions"]],
  ]);

for (const [document, headings, types, names, others = []] of TABLES) {
  test(`docs/${document}.md lists all members of ${names.join(", ")}`, async () => {
    const text = await read(`docs/${document}.md`);
    const listed = new Map(headings.flatMap((heading) => [...tableBelow(text, heading)]));
    const declared = new Map(
      names.flatMap((path) => {
        const [, prefix = "", name = ""] = /^(\w+\.)?(\w+)$/.exec(path) ?? [];
        return [...membersOf(types, name)].map(([member, value]) => [prefix + member, value]);
      }),
    );
    for (const other of others) assert.ok(declared.delete(other), other);

    assert.deepEqual([...listed.keys()].sort(), [...declared.keys()].sort());
    for (const [name, [value = ""]] of listed) {
      const expected = declared.get(name);
      // Defaults that are sentences are not compared.
      if (expected && /^[\w"`. ]+$/.test(expected) && /^[\w"`.,]+$/.test(value)) {
        assert.equal(plain(value), plain(expected), name);
      }
    }
  });
}

test("docs/api.md lists all methods", async () => {
  const text = await read("docs/api.md");
  const methods = [...membersOf(index, "TokenManager").keys()].filter((name) => name !== "constructor");

  assert.deepEqual([...tableBelow(text, "## Methods").keys()].sort(), methods.sort());
});

test("docs/api.md lists all events and warnings", async () => {
  const text = await read("docs/api.md");
  const [, events = ""] = /export type TokenEvent =(.*?)^$/ms.exec(index) ?? [];
  const types = [...events.matchAll(/readonly type: "(\w+)"/g)].map(([, type = ""]) => type);
  const [, warnings = ""] = /readonly code:$(.*?);/ms.exec(events) ?? [];
  const codes = [...warnings.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code);

  const tables = new Map([...tableBelow(text, "## Events")]);
  assert.deepEqual([...tables.keys()].sort(), types.sort());
  const [, below = ""] = text.split("| warning | reports |");
  const listed = [...(below.split("\n\n")[0]?.matchAll(/^\| `(\w+)`/gm) ?? [])].map(([, code = ""]) => code);
  // The code of a store's failure is that of its error.
  assert.deepEqual(listed.sort(), [...codes, "store"].sort());
});

/** Returns the error codes that the types declare. */
function declaredCodes() {
  const [, union = ""] = /export type TokenErrorCode =(.*?);/s.exec(errors) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, code = ""]) => code);
}

test("docs/troubleshooting.md lists all codes", async () => {
  const listed = tableBelow(await read("docs/troubleshooting.md"), "## Codes");

  assert.deepEqual([...listed.keys()].sort(), declaredCodes().sort());
});

test("docs/errors.md lists all codes, and which are retryable", async () => {
  const listed = tableBelow(await read("docs/errors.md"), "## Codes");

  assert.deepEqual([...listed.keys()].sort(), declaredCodes().sort());
  for (const [code, [, retryable]] of listed) {
    const error = new TokenError(/** @type {any} */ (code), "x");
    if (retryable === "yes" || retryable === "no") assert.equal(error.retryable, retryable === "yes", code);
  }
});
