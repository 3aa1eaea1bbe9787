/**
 * openapi-fetch: the client of a REST API sends through `tokens.fetch`, with a token obtained over GraphQL.
 *
 *     npm install graphql-token-manager openapi-fetch
 *     API_ENDPOINT=https://api.example.com/graphql API_ID=… API_SECRET=… node openapi-fetch.ts
 *
 * Running TypeScript directly requires Node 22.18 or newer.
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

/** Types of the API in the form that openapi-typescript generates; written by hand here. */
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
