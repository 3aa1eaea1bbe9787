// Parse Server with PGlite, which is PostgreSQL in WebAssembly, in a folder beside it.
// Arguments: the port, and the length of sessions in seconds.

import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { ParseServer } from "parse-server";

const [port, sessionLength] = process.argv.slice(2).map(Number);

const database = new PGLiteSocketServer({
  db: await PGlite.create({ dataDir: "./data" }),
  port: 0,
  maxConnections: 20,
});
await database.start();

await ParseServer.startApp({
  appId: process.env["APP_ID"],
  masterKey: process.env["MASTER_KEY"],
  databaseURI: `postgres://postgres@${database.getServerConn()}/postgres`,
  serverURL: `http://127.0.0.1:${port}/parse`,
  host: "127.0.0.1",
  port,
  mountGraphQL: true,
  sessionLength,
  silent: true,
});
