// The documentation site: its pages, links and sidebar are made from the documents of the repository.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { brokenLinks } from "../../docs/site/links.js";
import { firstSentence, pageMap, sidebar, withSiteLinks } from "../../docs/site/pages.js";
import { slugify } from "../../docs/site/slugify.js";
import { anchors, documents, read } from "./documents.js";

const BASE = "https://code.test/blob/v1/";

/** Returns the rewritten links of a document at `docs/page.md`. @param {string} text */
const linked = (text) => withSiteLinks(text, "docs/page.md", pageMap(), BASE);

test("a link to a document leads to its page, and a link to another file to the repository", () => {
  assert.equal(linked("[a](options.md#grants)"), "[a](/options.md#grants)");
  assert.equal(linked("[a](../ARCHITECTURE.md)"), "[a](/architecture.md)");
  assert.equal(linked("[a](../examples/broker/README.md)"), "[a](/examples/broker.md)");
  assert.equal(linked("[a](../pkg-template/options.d.ts)"), `[a](${BASE}pkg-template/options.d.ts)`);
});

test("links to other sites, to the same page and in code stay as they are", () => {
  for (const text of ["[a](https://b.test/c)", "[a](#grants)", "```md\n[a](none.md)\n```"])
    assert.equal(linked(text), text);
});

test("a link that leads to no file fails", () => {
  assert.throws(() => linked("[a](none.md)"));
});

test("every document has a page of its own", async () => {
  const pages = pageMap();
  const paths = (await documents()).map((file) => pages.get(file));

  assert.ok(!paths.includes(undefined));
  assert.equal(new Set(paths).size, paths.length);
});

test("every page of the folder docs is in the sidebar, and has a first sentence", async () => {
  const listed = sidebar().flatMap(({ items }) => items.map(({ link }) => `${link.slice(1)}.md`));

  for (const [file, page] of pageMap()) {
    if (!/^docs\/[^/]+$/.test(file)) continue;
    assert.ok(page === "contents.md" || listed.includes(page), file);
    assert.match(firstSentence(await read(file)), /^.{20,}[.?]$/, file);
  }
});

test("anchors of the site are those of the repository", () => {
  for (const heading of ["`tokens.fetch` and more", "Über C++, 2", "What is *not* protected?"])
    assert.deepEqual([slugify(heading)], anchors(`# ${heading}`));
});

test("a link of the finished site that leads to no page or no element is found", async (t) => {
  const site = await mkdtemp(path.join(tmpdir(), "gtm-site-"));
  t.after(() => rm(site, { recursive: true }));
  const links = ["b.html", "b.html#there", "#here", "https://b.test/", "none.html", "b.html#none", "/c/"];
  const anchorsOf = links.map((href) => `<a class="x" href="${href}">x</a>`).join("");
  await writeFile(path.join(site, "a.html"), `<h1 id="here">A</h1>${anchorsOf}`);
  await writeFile(path.join(site, "b.html"), `<h1 id="there">B</h1>`);

  assert.deepEqual(
    brokenLinks(site).map((line) => line.trim().split(" ")[1]),
    ["none.html", "b.html#none", "/c/"],
  );
});
