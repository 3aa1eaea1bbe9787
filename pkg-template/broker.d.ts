/**
 * A token broker: issues short-lived tokens to the pages of a site, and keeps the credentials on the server.
 *
 * @packageDocumentation
 */

import type { Selector, TokenManager } from "./index.js";

/**
 * Creates a broker for a manager: a function that responds to requests for a token. It never rejects.
 *
 * The response contains an access token with its remaining lifetime, and nothing else: no refresh token, no secret, no
 * message of an error. Pages use it with `new TokenManager({ provider: "broker", url, endpoint })`.
 *
 * The protocol is that of RFC 6749. The request is a `POST` of a form of at most 8 KiB: `scope` (with spaces between
 * scopes), `refused` (the SHA-256, in base64url, of a token that the API rejected: it is invalidated if it is the
 * cached one, at most once in five seconds for an identity, regardless of its scopes) and fields of a selector, such
 * as `userId`; all are optional. The response is as in section 5.1, with `access_token`, `token_type`, `expires_in` in
 * seconds and `scope`, or as in section 5.2, with `error` and `error_description`:
 *
 * | status | `error` | when |
 * |---|---|---|
 * | 400 | `invalid_request`, `unsupported_grant_type` | the form is invalid |
 * | 400 | `invalid_scope` | more scopes than `authorize` permits, or than were granted |
 * | 401 | `invalid_client` | `authorize` returned `null`, `undefined` or `false` |
 * | 403 | `unauthorized_client` | a page of another origin; or another identity than `authorize` returned |
 * | 405, 413, 415 | `invalid_request` | not a `POST`; too long; not a form |
 * | 429 | `temporarily_unavailable` | too many requests of a subject or scope sets of an identity; with `Retry-After` |
 * | 500 | `server_error` | an error of the broker or its options, such as the result of `authorize`: see `onError` |
 * | 503 | `temporarily_unavailable` | a transient failure of the API; with `Retry-After` if that is known |
 *
 * The different scope sets of an identity are limited to 64 at once, and 64 more evenly in 15 minutes.
 *
 * @throws TypeError if the options are invalid
 * @example
 * ```ts
 * import { TokenManager, type FluzOptions } from "graphql-token-manager";
 * import { createBroker, toNodeListener } from "graphql-token-manager/broker";
 * import { createServer } from "node:http";
 *
 * const tokens = new TokenManager(options);
 * const broker = createBroker(tokens, {
 *   authorize: async (request) => ((await isSignedIn(request.headers.get("cookie"))) ? {} : null),
 * });
 *
 * createServer(toNodeListener(broker)).listen(3000);
 *
 * declare const options: FluzOptions;
 * declare function isSignedIn(cookie: string | null): Promise<boolean>;
 * ```
 */
export function createBroker(tokens: TokenManager, options: BrokerOptions): Broker;

/**
 * A broker: usable as the `fetch` of a Worker, a route handler of Next, a handler of Deno, Bun and Hono (`(context) =>
 * broker(context.req.raw)`).
 */
export type Broker = (request: Request) => Promise<Response>;

/**
 * Adapts a broker to `node:http`, Express and others that use Node's messages. A body that a parser of Express has
 * read is taken from `request.body`. The response is no longer awaited once the connection is closed.
 */
export function toNodeListener(
  broker: Broker,
): (request: NodeRequest, response: NodeResponse) => Promise<void>;

/** Options of {@link createBroker}. */
export interface BrokerOptions {
  /**
   * Determines the session of which the request receives the token: returns its selector, `{}` for the manager's own,
   * or `null`, `undefined` or `false` to reject the request (401). A selector is a plain object without undefined
   * members. Anything else, such as `{ userId: undefined }`, a `Response`, an `Error` or an instance of a class,
   * results in a 500 for the page and a `TokenError` with the code `invalid_options` for `onError`.
   *
   * `asked` contains what the page requested, which is not authenticated. The page receives no more than the returned
   * selector permits: another identity is rejected. With `scopes`, it receives a token that was requested with exactly
   * these, or with those of them that the page requested; without `scopes`, one that was requested with the manager's
   * own. It never receives a token with more scopes that other code uses for the same identity. A token that the API
   * grants with more scopes than are listed here is withheld (500); without `scopes` here, the granted ones count. The
   * body of the request has been read.
   *
   * Cookies are sent with each request of a page: set them with `SameSite=Lax` or `Strict`.
   */
  authorize: (
    request: Request,
    asked: BrokerSelector,
  ) => BrokerSelector | null | undefined | false | Promise<BrokerSelector | null | undefined | false>;
  /**
   * Origins of pages that may send requests in addition to the broker's own, with cookies (CORS): such as
   * `"https://app.example.com"`, without a path. `"*"` and `"null"` are rejected.
   *
   * @defaultValue none
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * The origin under which pages reach the broker. If it is given, neither `Host` nor `Sec-Fetch-Site` is trusted. Set
   * it behind a proxy that changes the host or the scheme, if browsers from before 2023 are supported, and if
   * `authorize` does not check a cookie or similar, as on a developer's machine (DNS rebinding).
   *
   * @defaultValue according to `Sec-Fetch-Site`, otherwise the origin of the request's URL
   */
  origin?: string | undefined;
  /**
   * The subject to which a request is attributed by `rateLimit`: a string, such as the id of the user. Called once the
   * request is authorized, with the selector that `authorize` returned. Set it if many users share a session.
   *
   * @defaultValue the selector that `authorize` returned, without `scopes`
   */
  subject?: ((request: Request, selector: BrokerSelector) => string | Promise<string>) | undefined;
  /**
   * Rate limit of a subject, regardless of the requested scopes: a burst of `requests`, replenished evenly in each
   * `perMs` milliseconds, counted in this process. Of more than 10,000 active subjects, the busiest are tracked.
   * `false`: no limit.
   *
   * @defaultValue `{ requests: 60, perMs: 60_000 }`
   */
  rateLimit?: { requests?: number | undefined; perMs?: number | undefined } | false | undefined;
  /**
   * Receives each failure that pages see as 500 or 503: exceptions of the functions above, and `TokenError`s. Its own
   * exceptions and rejections are ignored. Without it, each kind of failure is printed once by `console.error`: the code
   * and the message of a `TokenError` of the broker or its manager. Of what `authorize` or `subject` throws, only the
   * class and the code are printed, because its message may quote a secret.
   */
  onError?: ((error: unknown, request: Request) => unknown) | undefined;
}

/** A session, as `tokens.session` accepts it. In the request of a page, all values but `scopes` are strings. */
export type BrokerSelector = Selector;

/** The parts of Node's `IncomingMessage` that are used. */
export interface NodeRequest {
  /** In upper case. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** By their names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/** The parts of Node's `ServerResponse` that are used. */
export interface NodeResponse {
  /** Starts the response. */
  writeHead(status: number, headers?: Record<string, string>): unknown;
  /** Ends the response. */
  end(body: string): unknown;
}
