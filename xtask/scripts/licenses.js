/**
 * The licence texts of third-party code in the package. MIT and ISC require them in every copy.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Bundled npm packages. `bundle.js` bundles no other one, and each bundle contains helper functions of esbuild. */
const BUNDLED = ["esbuild", "graphql"];
/** Standard text of the MIT licence, for crates that are published without one. */
const MIT = /^Permission is hereby granted[^]*/m.exec(readFileSync("LICENSE-MIT", "utf8"))?.[0];

/**
 * Returns the content of `THIRD-PARTY-LICENSES`. Throws if a text is missing.
 *
 * @param {string} compiler The name of the toolchain whose standard library is in the module.
 */
export function licenses(compiler) {
  const components = [standardLibrary(compiler), ...crates(), ...BUNDLED.map(npmPackage)].sort();
  return `This package contains code of the following projects, under their licences.\n${components.join("")}`;
}

/**
 * @param {string} name
 * @param {string} version
 * @param {string} license SPDX expression.
 * @param {readonly string[]} texts
 */
function component(name, version, license, texts) {
  if (texts.length === 0) throw new Error(`${name} has no licence text; find out what its licence requires`);
  const rule = "=".repeat(80);
  const parts = texts.map((text) => `\n${text.replaceAll("\r\n", "\n").replace(/^\n+|\n+$/g, "")}\n`);
  return `\n${rule}\n${name} ${version} (${license})\n${rule}\n${parts.join("")}`;
}

/**
 * Returns the licence texts in a folder. Of MIT and Apache-2.0, MIT is used, because it is shorter.
 *
 * @param {string} folder
 */
function textsIn(folder) {
  const names = readdirSync(folder).filter((name) => /^(licen[sc]e|copying|notice)/i.test(name));
  const hasMit = names.some((name) => /mit/i.test(name));
  return names
    .filter((name) => !(hasMit && /apache/i.test(name)))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
}

/** @param {string} compiler */
function standardLibrary(compiler) {
  const version = execFileSync("rustup", ["run", compiler, "rustc", "--version"], { encoding: "utf8" });
  const note =
    "Copyright (c) The Rust Project Developers (see https://thanks.rust-lang.org)\n" +
    "The notices of the parts that others contributed are in COPYRIGHT-library.html of that release.";
  return component("The Rust standard library", version.split(" ")[1], "MIT OR Apache-2.0", [
    `${note}\n\n${MIT}`,
  ]);
}

/** The crates that are linked into the module. Procedural macros run in the compiler only. */
function crates() {
  const cargo = (/** @type {string[]} */ ...words) =>
    execFileSync("cargo", [...words, "--locked"], { encoding: "utf8", maxBuffer: 2 ** 28 });
  const options = ["--target=wasm32-unknown-unknown", "--edges=normal,no-proc-macro", "--prefix=none"];
  const linked = cargo("tree", "--package=graphql-token-manager", ...options, "--format={p}").split("\n");
  const { packages } = JSON.parse(cargo("metadata", "--format-version=1"));
  return packages
    .filter(
      (/** @type {any} */ { name, version, source }) => source && linked.includes(`${name} v${version}`),
    )
    .map((/** @type {any} */ { name, version, license, authors, manifest_path }) => {
      const texts = textsIn(dirname(manifest_path));
      const standard = /MIT/.test(license) && authors.length > 0;
      if (texts.length === 0 && standard) texts.push(`Copyright (c) ${authors.join(", ")}\n\n${MIT}`);
      return component(name, version, license, texts);
    });
}

/** @param {string} name */
function npmPackage(name) {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return component(name, version, license, textsIn(folder));
}
