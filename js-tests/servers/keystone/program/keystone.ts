// Keystone with SQLite and without its user interface. Sessions are files, which remain when the server is restarted.

import { readFile, rm, writeFile } from "node:fs/promises";
import { createAuth } from "@keystone-6/auth";
import { config, list } from "@keystone-6/core";
import { allowAll } from "@keystone-6/core/access";
import { password, text } from "@keystone-6/core/fields";
import { storedSessions } from "@keystone-6/core/session";
import { PrismaBetterSqlite3 } from "@prisma/adapter-better-sqlite3";

const { withAuth } = createAuth({ listKey: "User", identityField: "email", secretField: "password" });

/** Returns the file of a session; its id has the characters of base64url. */
const fileOf = (id: string) => `session-${id.replace(/[^\w-]/g, "")}.json`;

const session = storedSessions({
  maxAge: Number(process.env.LIFETIME),
  secret: "not-a-secret-but-a-test-of-32-characters",
  store: () => ({
    get: async (id) => JSON.parse(await readFile(fileOf(id), "utf8").catch(() => "null")) ?? undefined,
    set: (id, data) => writeFile(fileOf(id), JSON.stringify(data)),
    delete: (id) => rm(fileOf(id), { force: true }),
  }),
});

// Prisma's program for migrations is a download, so the tables are created here.
const TABLES = [
  'CREATE TABLE IF NOT EXISTS "User" ("id" TEXT PRIMARY KEY NOT NULL, "email" TEXT UNIQUE NOT NULL DEFAULT \'\', "password" TEXT)',
  'CREATE TABLE IF NOT EXISTS "Note" ("id" TEXT PRIMARY KEY NOT NULL, "text" TEXT NOT NULL DEFAULT \'\')',
];

export default withAuth(
  config({
    db: {
      provider: "sqlite",
      prismaClientOptions: () => ({ adapter: new PrismaBetterSqlite3({ url: "file:./data.db" }) }),
      async onConnect(context) {
        for (const statement of TABLES) await context.prisma.$executeRawUnsafe(statement);
        const { db } = context.sudo();
        if ((await db.User.count()) > 0) return;
        await db.User.createOne({
          data: { email: process.env.USER_EMAIL, password: process.env.USER_PASSWORD },
        });
        await db.Note.createOne({ data: { text: "private" } });
      },
    },
    telemetry: false,
    ui: { isDisabled: true },
    server: { options: { host: "127.0.0.1" }, port: Number(process.env.PORT) },
    lists: {
      User: list({
        access: allowAll,
        fields: { email: text({ isIndexed: "unique" }), password: password() },
      }),
      Note: list({ access: ({ session }) => session !== undefined, fields: { text: text() } }),
    },
    session,
  }),
);
