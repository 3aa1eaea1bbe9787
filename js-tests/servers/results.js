/**
 * The results of docs/servers.md. With `UPDATE_SERVERS=1`, a run writes those of its server; otherwise it fails if they
 * differ from the page.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SCENARIOS } from "./scenarios.js";

/** @import { Description, Scenario } from "./scenarios.js" */
/** @import { Place } from "./place.js" */

const PAGE = join(import.meta.dirname, "../../docs/servers.md");

export class Results {
  /** @type {Map<Scenario, string>} */
  #cells = new Map();

  /** @param {string} name of the server's folder @param {Description} server */
  constructor(name, server) {
    this.name = name;
    this.server = server;
  }

  /** @param {Scenario} scenario @param {string} text */
  set(scenario, text) {
    this.#cells.set(scenario, text);
  }

  /** Writes or compares the results, unless tests were selected by name. @param {Place} place */
  async finish(place) {
    if (this.#cells.size < SCENARIOS.length) return;
    const page = await readFile(PAGE, "utf8");
    const version = await this.#version(place);
    const date = new Date().toISOString().slice(0, 10);
    const known = rowOf(page, this.server.title);
    const row = this.#row(version, known === undefined ? date : known.date);
    if (process.env["UPDATE_SERVERS"] === "1") {
      await writeFile(PAGE, withSection(withRow(page, this.#row(version, date)), this.server));
      return;
    }
    const remedy = "UPDATE_SERVERS=1 writes the results to docs/servers.md";
    assert.equal(known?.text, row, remedy);
    assert.equal(page, withSection(page, this.server), remedy);
  }

  /** @param {string} version @param {string} date */
  #row(version, date) {
    const cells = SCENARIOS.map((scenario) => this.#cells.get(scenario));
    const preset = `\`${this.server.preset}\``;
    return `| ${[this.server.title, version, date, preset, ...cells].join(" | ")} |`;
  }

  /** @param {Place} place */
  async #version(place) {
    const { version, package: name } = this.server;
    if (version !== undefined) return `${name} ${version}`;
    const manifest = JSON.parse(await readFile(place.module(`${name}/package.json`), "utf8"));
    return `${name} ${manifest.version}`;
  }
}

/** Returns the row of a server, and its date. @param {string} page @param {string} title */
function rowOf(page, title) {
  const text = page.split("\n").find((line) => line.startsWith(`| ${title} | `));
  return text === undefined ? undefined : { text, date: text.split(" | ")[2] ?? "" };
}

/** Returns the page with a row, replaced or added at the end of the table. @param {string} page @param {string} row */
function withRow(page, row) {
  const lines = page.split("\n");
  const start = row.slice(0, row.indexOf(" | ") + 3);
  const index = lines.findIndex((line) => line.startsWith(start));
  if (index >= 0) lines[index] = row;
  else lines.splice(lines.findLastIndex((line) => line.startsWith("|")) + 1, 0, row);
  return lines.join("\n");
}

/**
 * Returns the page with the section of a server, which has its notes and its known failures.
 *
 * @param {string} page @param {Description} server
 */
function withSection(page, { title, notes, gaps }) {
  const lines = SCENARIOS.flatMap((scenario) => {
    const texts = [notes?.[scenario], gaps?.[scenario]].filter((text) => text !== undefined);
    return texts.map((text) => `- **${scenario}**: ${text}`);
  });
  const section = `## ${title}\n\n${lines.length > 0 ? lines.join("\n") : "All scenarios pass as they do elsewhere."}\n`;
  const parts = page.trimEnd().split(/^(?=## )/m);
  const index = parts.findIndex((part) => part.startsWith(`## ${title}\n`));
  const trimmed = parts.map((part) => part.trimEnd());
  if (index >= 0) trimmed[index] = section.trimEnd();
  else trimmed.push(section.trimEnd());
  return `${trimmed.join("\n\n")}\n`;
}
