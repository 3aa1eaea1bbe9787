/**
 * The pages of the site: each is a document of the repository, with its links rewritten for the site.
 *
 * The documents stay readable in the repository. A link to another document leads to its page, and a link to any other
 * file to the repository.
 *
 * @module
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");
/** What VitePress reads. */
export const PAGES = path.join(ROOT, "target/docs/pages");
/** The finished site. */
export const SITE = path.join(ROOT, "target/docs/site");

/** @param {string} file A path in the repository. */
const read = (file) => readFileSync(path.join(ROOT, file), "utf8");

/** @param {string} folder A path in the repository. */
const markdownIn = (folder) =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => (folder === "" ? name : `${folder}/${name}`));

/** Returns the path of each page in the site, by the document that it is made from. */
export function pageMap() {
  const root = markdownIn("").map((file) => [file, file.toLowerCase().replace("readme", "overview")]);
  const examples = readdirSync(path.join(ROOT, "examples")).map((name) => [
    `examples/${name}/README.md`,
    `examples/${name}.md`,
  ]);
  const docs = markdownIn("docs").map((file) => [file, path.basename(file).replace("README", "contents")]);
  const own = markdownIn("docs/site").map((file) => [file, path.basename(file)]);
  return new Map(/** @type {[string, string][]} */ ([...root, ...examples, ...docs, ...own]));
}

/** Returns the address of the files of this version in the repository. */
function repository() {
  const { repository, version } = JSON.parse(read("pkg-template/package.json"));
  return `${repository.url.replace(/^git\+|\.git$/g, "")}/blob/v${version}/`;
}

/**
 * Returns the parts of a document outside of its code blocks replaced.
 *
 * @param {string} text
 * @param {(prose: string) => string} replace
 */
const outsideCode = (text, replace) =>
  text
    .split(/(^ *```.*?^ *```$)/ms)
    .map((part, index) => (index % 2 === 0 ? replace(part) : part))
    .join("");

/**
 * Rewrites the links of a document.
 *
 * @param {string} text
 * @param {string} file Its path in the repository.
 * @param {Map<string, string>} pages
 * @param {string} base Address of the repository's files.
 */
export function withSiteLinks(text, file, pages, base) {
  return outsideCode(text, (prose) =>
    prose.replaceAll(/\]\(([^)\s]+)\)/g, (link, /** @type {string} */ target) => {
      if (/^([a-z]+:|#|\/)/.test(target)) return link;
      const [to = "", anchor] = target.split("#");
      const found = path.posix.join(path.posix.dirname(file), to);
      if (!existsSync(path.join(ROOT, found))) throw new Error(`${file}: ${target} leads to no file`);
      const page = pages.get(found);
      const suffix = anchor === undefined ? "" : `#${anchor}`;
      return `](${page === undefined ? base + found : `/${page}`}${suffix})`;
    }),
  );
}

/**
 * Returns the first sentence of a document: what search engines show below its title.
 *
 * @param {string} text
 */
export function firstSentence(text) {
  const prose = text.replaceAll(/^ *```.*?^ *```$/gms, "").replace(/^---\n.*?\n---\n/s, "");
  const [paragraph = ""] = prose.split(/\n{2,}/).filter((part) => /^[A-Z`[]/.test(part.trim()));
  const plain = paragraph
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[`*]/g, "")
    .replaceAll(/\s+/g, " ");
  return /^.*?[.:?](?= |$)/.exec(plain)?.[0].replace(/:$/, ".") ?? plain.trim();
}

/**
 * Shows the file names of code blocks, which follow the language in their first line.
 *
 * @param {string} text
 */
const withFileNames = (text) => text.replaceAll(/^( *)```(\w+) ([\w./-]+)$/gm, "$1`$3`:\n\n$1```$2");

/** Writes all pages. */
export function writePages() {
  rmSync(PAGES, { recursive: true, force: true });
  const pages = pageMap();
  const base = repository();
  for (const [file, page] of pages) {
    const text = withFileNames(withSiteLinks(read(file), file, pages, base));
    const description = `description: ${JSON.stringify(firstSentence(text))}\n`;
    const made = text.startsWith("---\n")
      ? text.replace("---\n", `---\n${description}`)
      : `---\n${description}---\n\n${text}`;
    const to = path.join(PAGES, page);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, made);
  }
}

/**
 * Returns the groups of `docs/README.md` with their pages, as VitePress expects a sidebar.
 *
 * @returns {{ text: string, items: { text: string, link: string }[] }[]}
 */
export function sidebar() {
  const pages = pageMap();
  const [, ...groups] = read("docs/README.md").split(/^## /m);
  return groups.map((group) => {
    const [text = ""] = group.split("\n");
    const links = [...group.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\)/gm)];
    const items = links.map(([, title = "", target = ""]) => ({
      text: title,
      link: `/${(pages.get(path.posix.join("docs", target)) ?? "").replace(/\.md$/, "")}`,
    }));
    return { text, items };
  });
}
