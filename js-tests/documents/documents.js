// The documents of the repository, and the parts of them that tests check.

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");

/** Reads a file of the repository. @param {string} file */
export const read = (file) => readFile(path.join(ROOT, file), "utf8");

/** Returns the pages of the folder `docs`. */
export const pages = () => markdownIn("docs");

/** Returns the pages that only the site has. */
export const sitePages = () => markdownIn("docs/site");

/** @param {string} folder */
async function markdownIn(folder) {
  const names = await readdir(path.join(ROOT, folder));
  return names.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
}

/** Returns all documents: those of the root, of `docs`, of the site, and of the examples. */
export async function documents() {
  const root = (await readdir(ROOT)).filter((name) => name.endsWith(".md"));
  const examples = (await readdir(path.join(ROOT, "examples"))).map((name) => `examples/${name}/README.md`);
  return [...root, ...(await pages()), ...(await sitePages()), ...examples];
}

/**
 * Returns the code blocks of a document. `file` is what follows the language in the first line.
 *
 * @param {string} text
 * @returns {{ language: string, file: string, code: string }[]}
 */
export function blocks(text) {
  return [...text.matchAll(/^ *```(\w*) *(\S*)\n(.*?)^ *```$/gms)].map(
    ([, language = "", file = "", code = ""]) => ({
      language,
      file,
      code,
    }),
  );
}

/**
 * Returns the targets of all links, outside of code.
 *
 * @param {string} text
 */
export function links(text) {
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, "").replaceAll(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/**
 * Returns the anchors of a document's headings, as GitHub makes them.
 *
 * @param {string} text
 */
export function anchors(text) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  const headings = text.replaceAll(/^ *```.*?^ *```$/gms, "").matchAll(/^#+ +(.+)$/gm);
  return [...headings].map(([, heading = ""]) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}
