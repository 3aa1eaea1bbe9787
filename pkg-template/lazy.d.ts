/**
 * The package with its core in a file of its own, which `import()` loads at the first use. Recommended for pages whose
 * bundler splits code. Everything else is as in `graphql-token-manager`.
 *
 * If the file cannot be loaded, the call rejects with a `TokenError` of code `network`. The next call tries again in
 * Chromium; Firefox keeps the failure of an `import()` until the page is loaded again.
 * Service workers have no `import()`, so use `graphql-token-manager` there. `require` returns the single file of
 * `graphql-token-manager`; Cloudflare Workers and edge runtimes use the module that they compile in advance.
 *
 * @packageDocumentation
 */

export * from "./index.js";
