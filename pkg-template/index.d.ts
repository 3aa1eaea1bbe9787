/**
 * Short-lived access tokens for GraphQL APIs: acquired once, shared by all callers, renewed before they expire.
 *
 * Times are in milliseconds: names of durations end in `Ms`, names of points in time, since the Unix epoch, in `At`.
 *
 * @packageDocumentation
 */

import type { TokenError, TokenErrorCode, TokenErrorDetails } from "./errors.js";
import type { TokenManagerOptions } from "./options.js";
import type { BraintreeScope, FluzScope } from "./scopes.js";

export * from "./errors.js";
export * from "./options.js";
export * from "./profile.js";
export type { BraintreeScope, FluzScope } from "./scopes.js";
export * from "./store.js";

/**
 * Acquires, shares and renews the access tokens of one API.
 *
 * @example
 * ```ts
 * import { TokenManager } from "graphql-token-manager";
 *
 * const tokens = new TokenManager({
 *   provider: "braintree",
 *   environment: "sandbox",
 *   clientId: process.env.BRAINTREE_CLIENT_ID!,
 *   clientSecret: process.env.BRAINTREE_CLIENT_SECRET!,
 *   scopes: ["TRANSACTION_CHARGE"],
 * });
 *
 * const token: string = await tokens.getToken();
 * ```
 */
export class TokenManager {
  /**
   * Starts the core before the first manager is created, so that its first call does not wait for it. Calling it is
   * optional, except with `graphql-token-manager/slim`, which contains no WebAssembly: managers start the core
   * themselves.
   *
   * The core is started once for all managers of a version, including those of other copies of the package; a `source`
   * passed after that is ignored.
   *
   * @param source The source of the core, instead of the one included in the entry: `core.wasm` of this version, in
   * any form. workerd and edge runtimes do not compile WebAssembly at run time, so they require a
   * `WebAssembly.Module`.
   * @throws {TokenError} `invalid_options` if the source is something else, or bytes with another SHA-256 than that of
   * this version (compared where the platform has `crypto.subtle`; of a compiled module, only the version is
   * compared); `network` or `server` if it could not be loaded; `wasm_blocked`; `unsupported` if the core does not
   * start, or if neither the entry nor the call provides one. The next call tries again.
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager/slim";
   *
   * await TokenManager.ready(fetch("/static/core.wasm"));
   * ```
   */
  static ready(source?: CoreSource | PromiseLike<CoreSource>): Promise<void>;

  /**
   * Returns the manager with this key, or creates it. Intended for modules that a framework evaluates several times in
   * one process, once for each route or at each hot reload. Managers are kept on the global object, so that copies of
   * the package of one version share them. If the options differ from those of the existing manager, that one is
   * closed and replaced; a closed one is replaced as well. It is not intended for the tenants or users of one process:
   * use sessions, or managers with separate keys.
   *
   * Functions and stores cannot be compared. Options that contain any require `identity`, which is then compared
   * together with all plain data; the functions of the first call remain in use.
   *
   * @param key a non-empty string, chosen by the application
   * @throws {TokenError} `invalid_options` if `key` is not such a string, or `identity` is missing
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager";
   *
   * export const tokens = TokenManager.shared("toggle", {
   *   provider: "toggle",
   *   username: "api-user",
   *   password: () => process.env.TOGGLE_PASSWORD!,
   *   identity: "api-user",
   * });
   * ```
   */
  static shared(key: string, options: TokenManagerOptions): TokenManager;

  /**
   * Does not access the network and does not throw: invalid options are reported by {@link ready} and every other
   * asynchronous method, as `invalid_options`.
   */
  constructor(options: TokenManagerOptions);

  /**
   * Resolves when the core is compiled and the options are validated. Calling it is optional: every other method waits
   * for it.
   *
   * @throws {TokenError} `invalid_options`, `wasm_blocked`, `unsupported`, `closed`
   */
  ready(): Promise<void>;

  /**
   * Returns the current access token, which is valid now and, normally, for at least `minValidityMs`.
   *
   * Any number of concurrent calls share one grant. A cached token is returned at once, even while it is being
   * refreshed. In the cool-down after a failure (5 s, doubling up to 60 s with each further failure), callers without
   * a usable token receive that failure at once.
   *
   * @throws {TokenError} any code; `signal.reason` if the signal is aborted
   */
  getToken(options?: GetTokenOptions): Promise<string>;

  /** Like {@link getToken}, with the metadata of the token. */
  getAccessToken(options?: GetTokenOptions): Promise<AccessToken>;

  /** Like {@link getToken}, as the value of an `Authorization` header: `"Bearer …"`. */
  authorization(options?: GetTokenOptions): Promise<string>;

  /**
   * Acquires a new token, even if the cached one is valid; joins a grant in progress. Also sends a request during the
   * cool-down after a failure. If it fails, the cached token is kept.
   *
   * @throws {TokenError} any code; `signal.reason` if the signal is aborted
   */
  refresh(options?: RefreshOptions): Promise<AccessToken>;

  /**
   * Returns the available scopes, sorted. Fluz: all that the application may request, by `getApplicationScopes` with
   * the application's key; each call sends one request to the provider, limited by `timeoutMs`, and a failure is not
   * retried (see {@link TokenError.retryable}). Other providers: the scopes of the current token, which is first
   * acquired as by {@link getToken}.
   *
   * @throws {TokenError} any code; `unsupported` if the provider does not report the scopes of its tokens and none
   * were requested, as with Toggle; `signal.reason` if the signal is aborted
   */
  grantedScopes(options?: RefreshOptions): Promise<string[]>;

  /**
   * Returns the cached token if it is valid, without any request; `undefined` before the first grant and after {@link
   * close}.
   */
  peek(): AccessToken | undefined;

  /**
   * Reports that the API rejected this token. Has an effect only if it is the cached one: the next caller waits for a
   * new token.
   */
  invalidate(token: string): void;

  /**
   * Adopts a newer token from an ordinary response of the API (Toggle's token rotation, or the `sliding` header of a
   * profile). The body is not read, so nothing is adopted where `sameSession` of `sliding` is a field of `data`. In
   * browsers, the server must list the header in `Access-Control-Expose-Headers`. A response from another origin than
   * the endpoint's is ignored.
   *
   * @returns whether a token was adopted
   */
  adopt(response: Response): boolean;

  /**
   * `fetch` with the token. It is bound: pass it to any client as its `fetch`.
   *
   * Adds `Authorization: Bearer …` and adopts rotated tokens. If the API rejects the token, by the HTTP status or in
   * the response (even with HTTP 200), it acquires a new one and sends the request once more. If the new token is
   * rejected as well, it is kept, and that response is returned.
   *
   * - A request with its own `Authorization` is sent unchanged and only once.
   * - The token is sent only to the endpoint's origin and to those in the option `origins`.
   * - Redirects are followed by the rules of the Fetch standard, at most 20, even if the option `fetch` would keep
   *   headers that must be removed. The token is sent along to permitted origins; after the request reached any other
   *   origin, it is not retried. `cookie`, `proxy-authorization` and `host` are sent only to their original origin.
   *   `response.redirected` is `true`, but not in a `clone()` of the response. In a page, the browser follows
   *   redirects, and removes the token where the origin changes (Chrome since 119, Firefox since 111, Safari since
   *   16.1; older ones do not).
   * - The URL, method, headers and body are read once, when `fetch` is called. A stream is sent once: if the token is
   *   rejected, that response is returned; if it is redirected with its body, `fetch` rejects. A `Request` is cloned,
   *   so its body stays in memory until the response arrives. A `Request` of another implementation (node-fetch, the
   *   npm package undici) is read by its public members, its body to the end.
   * - A request is not retried if `data` has a root field that is not null, unless it contains queries alone.
   * - Only JSON of up to 1 MiB is inspected; the caller receives the complete body. Other responses are returned as
   *   soon as their headers arrive.
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager";
   *
   * declare const tokens: TokenManager;
   *
   * const response = await tokens.fetch("https://api.mytoggle.io/graphql", {
   *   method: "POST",
   *   headers: { "content-type": "application/json" },
   *   body: JSON.stringify({ query: "{ Products(account_id: 1) { id } }" }),
   * });
   * ```
   *
   * @throws {TokenError} any code of {@link getToken}; `invalid_options` for an origin to which the token must not be
   * sent, and for a URL with a user name or password. Rejections of `fetch` itself are passed through.
   */
  readonly fetch: GlobalFetch;

  /**
   * Sends a GraphQL request to the API and resolves with `data`.
   *
   * The request is sent by GraphQL over HTTP to the provider's endpoint, with the headers that it requires and those
   * of the option `headers`, and once more if the token is rejected. There is no timeout: pass a `signal`, for example
   * `AbortSignal.timeout(5_000)`.
   *
   * @param document a string, or a `DocumentNode`, which is printed at each call. A document with types
   * (`TypedDocumentNode`, `TypedDocumentString`) determines those of the result and the variables.
   *
   * @example
   * ```ts
   * import { GraphQLRequestError, TokenManager } from "graphql-token-manager";
   *
   * declare const tokens: TokenManager;
   *
   * try {
   *   const { getOffers } = await tokens.request("query ($n: Int) { getOffers(limit: $n) { offerId } }", { n: 3 });
   *   console.log(getOffers);
   * } catch (error) {
   *   if (GraphQLRequestError.is(error)) console.log(error.errors, error.data);
   *   else throw error;
   * }
   * ```
   *
   * @throws {GraphQLRequestError} if the response has errors
   * @throws {TokenError} if the response is not a GraphQL response; `insufficient_scope` or `token_rejected` if a new
   * token was rejected as well; `signal.reason` if the signal is aborted
   */
  request<Data = any, Variables = { readonly [name: string]: unknown }>(
    document: RequestDocument<Data, Variables>,
    ...rest: {} extends Variables
      ? [variables?: Variables | null | undefined, options?: RequestOptions | undefined]
      : [variables: Variables, options?: RequestOptions | undefined]
  ): Promise<Data>;

  /**
   * Returns a session: another identity or scope set with the same credentials, and with a token of its own. It has
   * the same methods.
   *
   * The same selector returns the same session, regardless of the order of its keys and scopes. No token is requested
   * until a method needs one. Sessions share one timer and the limits of the option `sessions`; an evicted session is
   * recreated at its next use. An invalid selector is reported by the session's methods, as `invalid_options`.
   *
   * A session with a subset of the scopes of a fresh token of the same identity uses that token, if one of the
   * 64 most recently used sessions of the identity has it. Listeners of the manager receive the events of all
   * sessions, listeners of a session (`session.on`) only its own.
   *
   * @param selector the differences from the manager's own identity and scopes
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager";
   *
   * declare const tokens: TokenManager;
   *
   * const session = tokens.session({ userId: "3f6e1e5e-…", scopes: ["LIST_OFFERS"] });
   * const { getOffers } = await session.request("{ getOffers(limit: 3) { offerId } }");
   * ```
   */
  session(selector: Selector): TokenSession;

  /**
   * Returns a snapshot of the manager's own session, for dashboards. Contains no secret. The same frozen object is
   * returned until one of its values changes, which the event `change` reports.
   */
  status(): Status;

  /**
   * Calls `listener` at each event of a type, with the event and the manager. It may call any method. If it throws,
   * other listeners are not affected, and a `warning` is emitted.
   *
   * A listener that refers to the manager prevents its garbage collection until it is closed, as do functions and
   * stores in the options that refer to it, its sessions, and waiting callers. A listener that uses its second
   * argument instead does not. A manager that was collected is closed; listeners for `close` then receive `undefined`
   * as their second argument.
   *
   * @returns a function that removes the listener
   * @throws {TokenError} `invalid_options` if the event type does not exist
   */
  on<T extends TokenEvent["type"]>(
    type: T,
    listener: (event: Extract<TokenEvent, { type: T }>, tokens: ListenerTarget<T, this>) => unknown,
  ): () => void;

  /**
   * Signs out: discards the tokens, the refresh tokens and the remembered failures of all sessions. The next call begins
   * with the credentials. On a session, that of {@link session}, signs out its identity alone.
   *
   * The tokens are discarded before this returns; no call that starts later receives one of them. Callers that wait for
   * a token are not rejected: they receive one of after the sign-out. A request in flight is not sent again if its token
   * is rejected, and its response does not replace the token: `fetch` returns that response, {@link request} rejects
   * with `token_rejected`. See `docs/sign-out.md`.
   *
   * With the option `store`, the entries of the sessions are replaced by records without a token, so that the other
   * tabs, processes and machines discard theirs. Such a record is kept for one day. The entries of sessions that were
   * evicted, or that only another process uses, are not replaced.
   *
   * @returns a promise that resolves when the store has no token of before
   * @throws {TokenError} `store` if an entry could not be replaced, so that it may still contain a token. The tokens are
   * discarded here nonetheless, and the next acquisition tries to replace the entry again; `credentials_unavailable` if
   * the key of the entry depends on a secret function that failed; `closed`; any code of {@link ready}.
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager";
   *
   * declare const tokens: TokenManager;
   *
   * // First the session of the application, from which the next token would be derived.
   * await fetch("/sign-out", { method: "POST" });
   * await tokens.clear();
   * ```
   */
  clear(): Promise<void>;

  /**
   * Signs out as {@link clear} does, and revokes the discarded tokens at the provider: the cached token and its refresh
   * token of each session concerned, with a store also the stored ones. Only an API whose description has `revoke` can.
   *
   * The tokens are discarded first, whether or not the revocation succeeds. It is sent once, each step within
   * `timeoutMs`. A token that has expired, or that was replaced before, is not revoked. A call waits for the revocations of
   * earlier ones that are pending, and shares their failure, except where I/O ends with its request.
   *
   * @returns a promise that resolves when the provider has revoked the tokens and the store has none of before
   * @throws {TokenError} `unsupported` if the provider has no revocation, and then nothing is discarded. After the
   * tokens were discarded, the first failure: `network`, `timeout`, `server`, `rate_limited`, `protocol`,
   * `invalid_credentials`, `token_rejected`, `credentials_unavailable` or `fetch_threw` of a revocation, which is never
   * `retryable`, because the token is forgotten; any code of {@link clear}.
   *
   * @example
   * ```ts
   * import { TokenManager } from "graphql-token-manager";
   *
   * declare const tokens: TokenManager;
   *
   * await tokens.revoke();
   * ```
   */
  revoke(): Promise<void>;

  /**
   * Stops timers, removes listeners, cancels requests in flight, and rejects waiting callers with `closed`. May be
   * called again.
   */
  close(): Promise<void>;

  /** {@link close}, for `using`. */
  [Symbol.dispose](): void;

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A session of a manager: see {@link TokenManager.session}. It prevents the garbage collection of its manager. An
 * unreferenced session is evicted like an unused one.
 */
export interface TokenSession extends Omit<TokenManager, "session" | "on" | "close"> {
  /** Like {@link TokenManager.on}, for the events of this session, which is the second argument. */
  on<T extends TokenEvent["type"]>(
    type: T,
    listener: (event: Extract<TokenEvent, { type: T }>, session: ListenerTarget<T, this>) => unknown,
  ): () => void;

  /**
   * Closes this session for all its users: waiting callers reject with `closed`, and its token is discarded. {@link
   * TokenManager.session} then creates another. With an empty selector it has no effect: that is the manager's own
   * session, which is closed with the manager.
   */
  close(): Promise<void>;
}

/**
 * The values in which a session differs from its manager. Members that are omitted are the manager's.
 *
 * - Fluz: `userId`, `accountId`, `seatId` and `scopes`.
 * - Braintree: `scopes`.
 * - Toggle: nothing.
 * - A profile: each string, number or boolean in its `authenticate.variables` or `authenticate.json`, at any depth, by its
 *   path (`"input.identifier"`), or by its name if no other has it (`identifier`), with a value of the same type; with
 *   `oauth`, the `username` and the strings of `parameters`. `scopes` if the variables contain `"$scopes"`. A secret,
 *   which is a function or is named like one, cannot be selected: the function receives the selector.
 * - A `grant` function: any values that it interprets, as strings, numbers and booleans; and `scopes`.
 * - A broker: any values that its `authorize` interprets, as strings, which are sent as fields of the form; and
 *   `scopes`.
 *
 * A selector is a plain object (not an instance of a class, nor a `Map`), read once, at the call. Strings must be
 * well-formed: a lone surrogate is rejected. A member that is present but `undefined`, such as the id of a user that
 * is not signed in, is rejected as well: omit the key to use the manager's own value. Unknown keys are rejected with
 * an error that contains the nearest known one. All these errors are `invalid_options` of the session's methods.
 */
export interface Selector {
  /** Fluz: the user that the token represents, a UUID. */
  readonly userId?: string;
  /** Fluz: the account that the token represents, a UUID. */
  readonly accountId?: string;
  /** Fluz: the seat for transactions, a UUID; `null` for the account's own. */
  readonly seatId?: string | null;
  /** The scopes to request, at least one; `undefined` for the manager's own. */
  readonly scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
  /** Other members, as far as the provider supports them. */
  readonly [name: string]: string | number | boolean | readonly string[] | null | undefined;
}

/**
 * `graphql-token-manager/core.wasm`, for {@link TokenManager.ready}: compiled, as bytes, as the response of a server,
 * or as its URL, which is passed to `fetch`.
 */
export type CoreSource =
  (WebAssembly.Module & object) | ArrayBuffer | ArrayBufferView | Response | URL | string;

/** A token. Frozen; no way of printing it shows its value. */
export interface AccessToken {
  /** The token itself. */
  readonly value: string;
  /** The scheme of the header that contains it: `"Bearer"`, or that of the profile's `present`; empty for none. */
  readonly tokenType: string;
  /** The granted scopes; the requested ones if the provider does not report them. */
  readonly scopes: readonly string[];
  /** When it was received, by the provider's clock if that is known. */
  readonly issuedAt: number;
  /** When it expires, by the provider's clock if that is known. */
  readonly expiresAt: number;
  /** Returns a description without the value. */
  toString(): string;
  /** Returns the properties without the value. */
  toJSON(): {
    value: "[redacted]";
    tokenType: string;
    scopes: readonly string[];
    issuedAt: number;
    expiresAt: number;
  };
}

/**
 * A GraphQL document: a string, a `DocumentNode` of graphql-js, or either with the types of its result and variables,
 * as generated by GraphQL Code Generator and gql.tada.
 */
export type RequestDocument<Data = any, Variables = any> =
  | string
  | ((DocumentTree | String) & {
      /** Carries the types; never present at run time. */
      readonly __apiType?: ((variables: Variables) => Data) | undefined;
    });

/** The parts of a `DocumentNode` that are used. */
export interface DocumentTree {
  /** `"Document"`. */
  readonly kind: string;
  /** Operations and fragments. */
  readonly definitions: readonly unknown[];
}

/** Options of one request. */
export interface RequestOptions {
  /** The operation to execute, if the document has several. */
  operationName?: string | null | undefined;
  /** Cancels the request and the wait for a token: both reject with its reason. */
  signal?: AbortSignal | null | undefined;
  /** Added to the request; they override the manager's own. With an `Authorization`, no token is added. */
  headers?: HeadersLike | undefined;
  /**
   * Scopes that the token must have, or a function that returns them, such as `requiredScopes` of
   * `graphql-token-manager/scopes`. A fresh cached token with these scopes is used; otherwise a token is granted for
   * exactly these scopes. An empty list: the session's own token. If the function throws, the request is not sent: a
   * `TokenError` is rethrown unchanged, anything else becomes the `cause` of an `invalid_options`.
   */
  scopes?: readonly (FluzScope | BraintreeScope)[] | RequestScopes | undefined;
  /**
   * Maximum number of bytes of the response that are read, after decompression. A longer response rejects with
   * `protocol`. Above 0; `Infinity` for no limit.
   *
   * `JSON.parse` of the platform blocks the thread while it reads the response. That takes about 0.1 s for 16 MiB of
   * long strings, and 1 s or more if all of it is empty lists and objects, nested or not. Set a lower limit for an API
   * that is not trusted with that.
   *
   * @defaultValue 16_777_216 (16 MiB)
   */
  maxResponseBytes?: number | undefined;
}

/** Returns the scopes that a document needs. Called once for each request, before it is sent. */
export type RequestScopes = (
  document: string | String | DocumentTree,
  request: {
    /** The provider's name: `"fluz"`, or the `name` of a profile. */
    provider: string;
    /** The request's option `operationName`. */
    operationName: string | undefined;
    /** The request's variables. */
    variables: { readonly [name: string]: unknown } | undefined;
  },
) => readonly string[];

/** Options of one call for a token. */
export interface GetTokenOptions extends RefreshOptions {
  /**
   * Minimum remaining validity of the token. If less is left, the caller waits for a new token, and receives the old
   * one only if that fails and it is still valid. At least 0; limited to three quarters of the lifetime.
   *
   * @defaultValue the manager's `minValidityMs`
   */
  minValidityMs?: number | undefined;
  /**
   * Scopes that the token must have. A fresh cached token with these scopes is used; otherwise one is granted for
   * exactly these scopes and shared by all calls with the same scopes. Other callers keep their token. An empty list:
   * the session's own scopes. Rejects with `insufficient_scope` if fewer are granted.
   */
  scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
  /**
   * Requires a token that was requested with exactly these scopes (`scopes`, otherwise the session's), for example for
   * a page. By default, a token of another session of the same user with more scopes may be used as well.
   *
   * @defaultValue `false`
   */
  exactScopes?: boolean | undefined;
}

/** Options of a forced refresh. */
export interface RefreshOptions {
  /** Rejects this caller with `signal.reason`; other callers still receive the token. */
  signal?: AbortSignal | null | undefined;
}

/** A snapshot of a manager or session. Frozen. */
export interface Status {
  /** The freshness of the cached token. */
  state: "empty" | "fresh" | "refresh-due" | "expired";
  /** Set while a new token is being acquired. */
  refreshing: boolean;
  /** When the token was received, by the provider's clock if that is known. */
  issuedAt?: number;
  /** When it expires, by the provider's clock if that is known. */
  expiresAt?: number;
  /**
   * Remaining validity in milliseconds, regardless of errors of the device's clock: computed at each access. 0 once
   * another token is cached.
   */
  readonly expiresInMs?: number;
  /** When the timer refreshes it, by the device's clock. */
  refreshAt?: number;
  /** The failure of the last grant, until one succeeds. */
  lastError?: { code: TokenErrorCode; message: string; retryable: boolean } & Omit<
    TokenErrorDetails,
    "cause" | "retryable"
  >;
  /** Number of grants that returned a token. */
  grants: number;
  /** Number of grants that failed permanently or after all attempts. */
  failures: number;
  /** Number of sessions, including the manager's own; one for each set of scopes of each identity. */
  sessions: number;
}

/**
 * The second argument of a listener: the object that it was added to. It may be `undefined` for `close`, if that was
 * collected.
 */
export type ListenerTarget<Type extends TokenEvent["type"], Target> = Type extends "close"
  ? Target | undefined
  : Target;

/** The events that listeners receive: frozen, and without any token. */
export type TokenEvent =
  | {
      /**
       * `status()` returns another object: that of the manager's own session for listeners of a manager, that of the
       * session for listeners of a session. Emitted once for several changes in one turn of the event loop.
       */
      readonly type: "change";
      /** The selector of the session. */
      readonly session: Selector;
    }
  | {
      /** A new token was cached. */
      readonly type: "token";
      /** The reason for the acquisition. */
      readonly reason: "initial" | "proactive" | "expired" | "refused" | "adopted" | "shared" | "forced";
      /** When it expires, by the provider's clock if that is known. */
      readonly expiresAt: number;
      /** The scopes of the token. */
      readonly scopes: readonly string[];
      /** The selector of the session, without the manager's own values. */
      readonly session: Selector;
    }
  | {
      /**
       * The token was discarded by a sign-out: by `clear()`, or because another holder of the store signed out and this
       * session had a token.
       */
      readonly type: "cleared";
      /** The selector of the session. */
      readonly session: Selector;
    }
  | {
      /** A grant failed and will be retried. */
      readonly type: "retry";
      /** The number of the next attempt; the first retry is 2. */
      readonly attempt: number;
      /** The delay before it. */
      readonly delayMs: number;
      /** The failure. */
      readonly code: TokenErrorCode;
      /** The selector of the session, unless it is the manager's own. */
      readonly session?: Selector;
    }
  | {
      /** A grant failed permanently or after all attempts. */
      readonly type: "error";
      /** The failure. */
      readonly error: TokenError;
      /** Set if callers still receive the cached token. */
      readonly tokenStillValid: boolean;
      /** The selector of the session. */
      readonly session: Selector;
    }
  | {
      /** The cached token expired and was not replaced. */
      readonly type: "expired";
      /** The selector of the session. */
      readonly session: Selector;
    }
  | {
      /** A problem that does not prevent tokens from being acquired. */
      readonly type: "warning";
      /**
       * - `insufficient_scope`: fewer scopes were granted than requested.
       * - `listener_failed`: a listener threw.
       * - `secret_in_page`: a page contains a long-lived secret.
       * - `header_not_exposed`: a page cannot read the header with new tokens.
       * - `rule_failed`: a function `when` of a description threw, or returned neither `true` nor `false`.
       * - `many_managers`: more than 16 managers of one identity, regardless of their scopes, are in use and neither
       *   closed nor collected in this realm, counted over all copies of the package of this version. Reported once
       *   while the condition lasts, by a manager that has a listener. Managers with their credentials in a `grant`
       *   function, or in the `fetch` of a broker, count only if they have `identity`; if the engine has no
       *   `FinalizationRegistry`, none count.
       */
      readonly code:
        | "insufficient_scope"
        | "listener_failed"
        | "secret_in_page"
        | "header_not_exposed"
        | "rule_failed"
        | "many_managers"
        | (string & {});
      /** A description for humans. */
      readonly message: string;
      /** The selector of the session, unless it is the manager's own. */
      readonly session?: Selector;
    }
  | {
      /** The manager was closed; for listeners of a session, the session. */
      readonly type: "close";
    };

/** The platform's `fetch`, if its types are known. */
export type GlobalFetch = typeof globalThis extends { fetch: infer Fetch }
  ? Fetch
  : (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The arguments that `new Headers()` accepts. */
export type HeadersLike = Headers | Record<string, string> | [string, string][];

/**
 * Empty if a program is compiled without the types of a platform (`dom`, `@types/node`, …), which complete these
 * otherwise.
 */
declare global {
  interface AbortSignal {}
  interface CryptoKey {}
  interface Headers {}
  interface Request {}
  interface RequestInit {}
  interface Response {}
  interface Storage {}
  interface URL {}
  namespace WebAssembly {
    interface Module {}
  }
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}
