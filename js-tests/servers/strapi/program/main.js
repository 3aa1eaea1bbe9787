// Strapi without its administration panel, which would have to be built.

const { mkdirSync } = require("node:fs");
const { createStrapi } = require("@strapi/strapi");

// Strapi does not start without the folder of its uploads.
mkdirSync("public/uploads", { recursive: true });

createStrapi({ appDir: __dirname, distDir: __dirname, serveAdminPanel: false, autoReload: false }).start();
