// PostGraphile with its presets Amber and lazy-jwt, and its database.
//
// Arguments: port, lifetime of tokens in seconds, key that signs tokens. A request to /tests/key replaces the key; one to /tests/stop ends the database, and one
// to /tests/start starts it again.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { PgLazyJWTPreset } from "postgraphile/presets/lazy-jwt";
import { Database } from "./database.js";

const [port = "", lifetime = "", firstKey = ""] = process.argv.slice(2);
const folder = process.cwd();

/** Returns a server that signs tokens with a key. @param {string} pgJwtSecret */
async function serverWith(pgJwtSecret) {
  const connectionString = `postgres:///postgres?host=${database.folder}&user=postgres`;
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset, PgLazyJWTPreset],
    pgServices: [makePgService({ connectionString, schemas: ["app"] })],
    gather: { pgJwtTypes: "app.jwt" },
    schema: { pgJwtSecret },
    grafast: {
      // The role of a token takes precedence.
      context: (_request, { contextValue }) => ({
        pgSettings: { role: "visitor", ...contextValue?.pgSettings },
      }),
    },
    grafserv: { graphqlPath: "/graphql", watch: false },
  });
  const server = createServer();
  await instance.createServ(grafserv).addTo(server);
  // Otherwise, it is built at the first request; if the database is down then, the server does not recover.
  await instance.getSchema();
  return { server, instance };
}

const database = new Database(join(folder, "cluster"));
await database.open(join(folder, "schema.sql"), { lifetime });
let current = await serverWith(firstKey);

const TESTS = {
  "/tests/key": async () => {
    const { instance } = current;
    current = await serverWith(randomUUID());
    await instance.release();
  },
  "/tests/stop": () => database.stop(),
  "/tests/start": () => database.start(),
};

const server = createServer(async (request, response) => {
  const act = /** @type {Record<string, () => Promise<void>>} */ (TESTS)[request.url ?? ""];
  if (act === undefined) return current.server.emit("request", request, response);
  await act();
  return response.writeHead(204).end();
});
server.listen(Number(port), "127.0.0.1");
