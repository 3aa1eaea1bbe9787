/**
 * A broker: it hands the pages of a site short-lived tokens, and keeps what they are got with.
 *
 * @packageDocumentation
 */

import type { Selector, TokenManager } from "./index.js";

/**
 * Makes a broker of a manager: a function that answers a request for a token. Never rejects.
 *
 * It hands out an access token with its remaining lifetime, and nothing else: no refresh token, no secret, no message of
 * an error. Pages use it with `new TokenManager({ provider: "broker", url, endpoint })`.
 *
 * The wire is RFC 6749's. A `POST` of a form, of at most 8 KiB: `scope` (with spaces between scopes), `refused` (the
 * SHA-256, in base64url, of a token that the API refused: it is invalidated if it is the one held, once in five seconds
 * for an identity, whatever its scopes) and fields of a selector, such as `userId`; all may be left out. It is answered as in section 5.1, by
 * `access_token`, `token_type`, `expires_in` in seconds and `scope`, or as in section 5.2, by `error` and
 * `error_description`:
 *
 * | status | `error` | when |
 * |---|---|---|
 * | 400 | `invalid_request`, `unsupported_grant_type` | it is no such form |
 * | 400 | `invalid_scope` | more scopes than `authorize` gave, or than were granted |
 * | 401 | `invalid_client` | `authorize` gave `null`, `undefined` or `false` |
 * | 403 | `unauthorized_client` | a page of another origin; or another identity than `authorize` gave |
 * | 405, 413, 415 | `invalid_request` | not a `POST`; too long; not a form |
 * | 429 | `temporarily_unavailable` | too many requests of a subject, or too many different scope sets of an identity (64 at once, and 64 more evenly in 15 minutes); with `Retry-After` |
 * | 500 | `server_error` | the broker, or what it was given, is wrong, such as what `authorize` gave: see `onError` |
 * | 503 | `temporarily_unavailable` | the API fails in a way that may pass; with `Retry-After` where that is known |
 *
 * @throws TypeError where the options are wrong
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
 * A broker as it is: the `fetch` of a Worker, a route handler of Next, a handler of Deno, Bun and Hono
 * (`(context) => broker(context.req.raw)`).
 */
export type Broker = (request: Request) => Promise<Response>;

/**
 * A broker for `node:http`, Express and others that hand over Node's messages. A body that a parser of Express has read
 * is taken from `request.body`. The answer is awaited no longer when the connection is closed.
 */
export function toNodeListener(
  broker: Broker,
): (request: NodeRequest, response: NodeResponse) => Promise<void>;

/** Options of {@link createBroker}. */
export interface BrokerOptions {
  /**
   * Decides which session's token the request is given: returns its selector, `{}` for the manager's own, or `null`,
   * `undefined` or `false` for nobody (401). A selector is a plain object, each of whose members is defined. Anything
   * else, such as `{ userId: undefined }`, a `Response`, an `Error` or an instance of a class, is a 500 for the page and a
   * `TokenError` with the code `invalid_options` for `onError`.
   *
   * `asked` is what the page asked for, and proves nothing. The page gets no more than this gives: another identity is
   * refused; with `scopes`, it gets a token that was asked for with these alone, or with those of them that the page asked
   * for; without `scopes`, one that was asked for with the manager's own. It never gets a token with more scopes that
   * other code uses for the same identity. A token that the API grants with more scopes than are named here is withheld
   * (500); without `scopes` here, what the API grants counts. The body of the request has been read.
   *
   * Cookies come with each request of a page; give them `SameSite=Lax` or `Strict`.
   */
  authorize: (
    request: Request,
    asked: BrokerSelector,
  ) => BrokerSelector | null | undefined | false | Promise<BrokerSelector | null | undefined | false>;
  /**
   * Origins whose pages may ask besides those of the broker's own, with cookies (CORS): such as
   * `"https://app.example.com"`, without a path. `"*"` and `"null"` are refused.
   *
   * @defaultValue none
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * The origin under which pages reach the broker. Where it is given, neither `Host` nor `Sec-Fetch-Site` is believed:
   * give it behind a proxy that changes host or scheme, if browsers are older than 2023, and wherever `authorize` does
   * not ask for a cookie or the like, as on a developer's machine (DNS rebinding).
   *
   * @defaultValue what `Sec-Fetch-Site` says, or else the origin of the request's URL
   */
  origin?: string | undefined;
  /**
   * Whom a request counts for, in `rateLimit`: a string, such as the id of the user. Called once the request is authorized,
   * with what `authorize` gave. Give it where many people share a session.
   *
   * @defaultValue what `authorize` gave, without `scopes`
   */
  subject?: ((request: Request, selector: BrokerSelector) => string | Promise<string>) | undefined;
  /**
   * How many requests of a subject are answered at once, and again in each span of `perMs` milliseconds, evenly, whatever
   * scopes they ask for; in this process. Of more than 10,000 busy subjects the busiest are remembered. `false`: any number.
   *
   * @defaultValue `{ requests: 60, perMs: 60_000 }`
   */
  rateLimit?: { requests?: number | undefined; perMs?: number | undefined } | false | undefined;
  /**
   * Receives each failure that pages see as 500 or 503: what the functions above threw, and `TokenError`s. What it throws
   * is ignored, at once or later.
   */
  onError?: ((error: unknown, request: Request) => unknown) | undefined;
}

/** Which session, as `tokens.session` takes it; in what a page asked for, all but `scopes` are strings. */
export type BrokerSelector = Selector;

/** What is used of Node's `IncomingMessage`. */
export interface NodeRequest {
  /** In capital letters. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** By their names in small letters. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/** What is used of Node's `ServerResponse`. */
export interface NodeResponse {
  /** Starts the answer. */
  writeHead(status: number, headers?: Record<string, string>): unknown;
  /** Ends it. */
  end(body: string): unknown;
}
