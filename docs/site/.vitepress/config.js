// The configuration of VitePress. Its pages are written by `build.js`.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vitepress";
import { PAGES, ROOT, SITE, sidebar } from "../pages.js";
import { slugify } from "../slugify.js";

const reference = path.join(PAGES, "reference/typedoc-sidebar.json");

/** @typedef {{ text: string, link?: string, items?: Item[] }} Item */

/**
 * Returns the entries of the reference, each with a link: one without would be a button that contains another.
 *
 * @param {Item[]} items
 * @param {string} parent Link of the entry above.
 * @returns {Item[]}
 */
const linked = (items, parent) =>
  items.map((item) => {
    const heading = parent === "/reference/" ? "modules" : slugify(item.text);
    const link = item.link ?? `${parent}#${heading}`;
    return { ...item, link, ...(item.items && { items: linked(item.items, link) }) };
  });

export default defineConfig({
  title: "graphql-token-manager",
  description: "Gets, shares and renews short-lived access tokens for GraphQL APIs.",
  lang: "en",
  // Without it, browsers request /favicon.ico.
  head: [["link", { rel: "icon", href: "data:," }]],
  srcDir: PAGES,
  outDir: SITE,
  cacheDir: path.join(ROOT, "target/docs/cache"),
  cleanUrls: false,
  lastUpdated: false,
  metaChunk: true,
  markdown: {
    anchor: { slugify },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    externalLinkIcon: true,
    nav: [
      { text: "Documentation", link: "/contents" },
      { text: "Playground", link: "/playground" },
      { text: "Reference", link: "/reference/" },
      { text: "Changelog", link: "/changelog" },
    ],
    sidebar: {
      "/reference/": existsSync(reference)
        ? [
            {
              text: "Reference",
              link: "/reference/",
              items: linked(JSON.parse(readFileSync(reference, "utf8")), "/reference/"),
            },
          ]
        : [],
      "/": sidebar(),
    },
  },
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag.startsWith("token-") } } },
  vite: {
    // The sandbox and graphql-yoga must have the same graphql.
    resolve: { dedupe: ["graphql"] },
    server: { fs: { allow: [ROOT] } },
    build: { chunkSizeWarningLimit: 2_000 },
  },
});
