/**
 * openapi-fetch: the client of a REST API sends by `tokens.fetch`, with a token that came from GraphQL.
 *
 *     npm install graphql-token-manager openapi-fetch
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node openapi-fetch.ts
 *
 * Node runs TypeScript from version 22.18 on.
 */

import createClient from "openapi-fetch";
import { tokens, url } from "./own-api.js";

export const client = createClient<paths>({ baseUrl: url, fetch: tokens.fetch });

export async function me(): Promise<{ id: string }> {
  const { data, error } = await client.GET("/v1/me");
  if (error) throw new Error(error.error);
  return data;
}

const { id } = await me();
console.log(`The token is for ${id}`);

/** What openapi-typescript makes of the API's description; of this one, by hand. */
interface paths {
  "/v1/me": {
    get: {
      responses: {
        200: { content: { "application/json": { id: string } } };
        401: { content: { "application/json": { error: string } } };
      };
    };
  };
}
