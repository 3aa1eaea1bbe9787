/**
 * A token endpoint that replaces `fetch`, so that only the clients are measured: RFC 6749 for the peers, GraphQL for
 * this package. It responds in a later turn of the event loop, as any network does.
 *
 * @module
 */

export const ORIGIN = "https://auth.bench.test";
export const TOKEN_URL = `${ORIGIN}/token`;

/**
 * @typedef {object} Endpoint
 * @property {typeof globalThis.fetch} fetch
 * @property {() => number} requests number of requests so far
 * @property {() => void} end restores the real `fetch`
 */

/**
 * @param {number} lifetimeMs lifetime of its tokens
 * @returns {Endpoint}
 */
export function tokenEndpoint(lifetimeMs) {
  const real = globalThis.fetch;
  let count = 0;
  const answer = async (/** @type {any} */ _input, /** @type {any} */ init) => {
    count++;
    await new Promise((resolve) => setImmediate(resolve));
    const token = `token-${count}-${"x".repeat(280)}`;
    const expiresIn = lifetimeMs / 1000;
    const body = isGraphQl(init)
      ? { data: { login: { token, expiresIn } } }
      : {
          access_token: token,
          token_type: "Bearer",
          expires_in: expiresIn,
          refresh_token: "refresh",
          scope: "read",
        };
    const response = new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
    // Some clients read the URL to detect redirects; a constructed `Response` has none.
    Object.defineProperty(response, "url", { value: TOKEN_URL });
    return response;
  };
  const fetch = /** @type {typeof globalThis.fetch} */ (answer);
  globalThis.fetch = fetch;
  return { fetch, requests: () => count, end: () => void (globalThis.fetch = real) };
}

/** @param {any} init */
const isGraphQl = (init) => typeof init?.body === "string" && init.body.startsWith("{");
