// Payload with SQLite behind Node's HTTP server. Its GraphQL handler takes a Request, as it does in a route of Next.
// Arguments: the port, and the lifetime of tokens in seconds.

import { createServer } from "node:http";
import { GRAPHQL_POST } from "@payloadcms/next/routes";
import { sqliteAdapter } from "@payloadcms/db-sqlite";
import { buildConfig, getPayload } from "payload";

const [port, lifetime] = process.argv.slice(2).map(Number);

const config = await buildConfig({
  secret: "not-a-secret-but-a-test",
  db: sqliteAdapter({ client: { url: "file:data.db" } }),
  telemetry: false,
  collections: [
    { slug: "users", auth: { tokenExpiration: lifetime }, fields: [] },
    {
      slug: "notes",
      access: { read: ({ req }) => req.user !== null },
      fields: [{ name: "text", type: "text" }],
    },
  ],
});

const payload = await getPayload({ config });
if ((await payload.count({ collection: "users" })).totalDocs === 0) {
  const [email = "", password = ""] = [process.env["USER_EMAIL"], process.env["USER_PASSWORD"]];
  await payload.create({ collection: "users", data: { email, password } });
  await payload.create({ collection: "notes", data: { text: "private" } });
}

const post = GRAPHQL_POST(Promise.resolve(config));

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { method, headers, url } = request;
  const body = method === "POST" ? Buffer.concat(chunks) : undefined;
  const sent = new Request(`http://127.0.0.1:${port}${url}`, { method, headers, body });
  const answer = method === "POST" ? await post(sent) : new Response("ready");
  response.writeHead(answer.status, [...answer.headers].flat());
  response.end(Buffer.from(await answer.arrayBuffer()));
});
server.listen(port, "127.0.0.1");
