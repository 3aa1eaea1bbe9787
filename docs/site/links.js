/**
 * The links of the finished site: each leads to a page and, if it has an anchor, to an element of that page.
 *
 * @module
 */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

/**
 * Returns a line for each link within the site that leads nowhere.
 *
 * @param {string} site Folder of the finished site.
 */
export function brokenLinks(site) {
  const names = readdirSync(site, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => name.endsWith(".html")).map((name) => name.split(path.sep).join("/"));
  const texts = new Map(files.map((file) => [file, readFileSync(path.join(site, file), "utf8")]));
  const ids = new Map(
    [...texts].map(([file, text]) => [
      file,
      new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => decode(id))),
    ]),
  );
  return [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/<a\b[^>]* href="([^"]*)"/g)]
      .map(([, href = ""]) => decode(href))
      .filter((href) => !leadsSomewhere(site, file, href, ids))
      .map((href) => `  ${file}: ${href}`),
  );
}

/**
 * @param {string} site
 * @param {string} file
 * @param {string} href
 * @param {Map<string, Set<string>>} ids
 */
function leadsSomewhere(site, file, href, ids) {
  const base = "http://site.test";
  const url = new URL(href, `${base}/${file}`);
  if (url.origin !== base) return true;
  const wanted = decodeURIComponent(url.pathname).slice(1);
  const page = wanted === "" || wanted.endsWith("/") ? `${wanted}index.html` : wanted;
  const anchors = ids.get(page);
  if (anchors === undefined) return existsSync(path.join(site, page));
  return url.hash === "" || anchors.has(decodeURIComponent(url.hash.slice(1)));
}

/** @param {string} attribute */
const decode = (attribute) => attribute.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
