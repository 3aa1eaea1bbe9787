/**
 * Short-lived access tokens for GraphQL APIs: got once, shared by all callers, renewed
 * ahead of their expiry.
 *
 * Times are in milliseconds: spans end in `Ms`, points in time since the Unix epoch in `At`.
 *
 * @packageDocumentation
 */

import type { TokenManagerOptions } from "./options.js";
import type { BraintreeScope, FluzScope } from "./scopes.js";

export * from "./options.js";
export type { BraintreeScope, FluzScope } from "./scopes.js";
export * from "./store.js";

/**
 * Gets, shares and renews the access tokens of one API.
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
   * Starts the core ahead of the first manager, so that its first call need not wait for that.
   * Managers do it by themselves; nobody has to call this, but in `graphql-token-manager/slim`,
   * which has no WebAssembly of its own.
   *
   * It is started once for all managers of a version, also those of other copies of the package:
   * what is given after that is not looked at.
   *
   * @param source What to start it from, instead of what comes with the entry: `core.wasm` of this
   *   version, in whatever form you have it. workerd and edge runtimes compile nothing, so there it
   *   has to be a `WebAssembly.Module`.
   * @throws {TokenError} `invalid_options` if it is something else, or bytes whose SHA-256 is not that of this
   *   version (compared where the platform has `crypto.subtle`; of a compiled module, the version alone is);
   *   `network` or `server` if it could
   *   not be loaded; `wasm_blocked`; `unsupported` if the core does not start, or the entry has none
   *   and none was given. The next call tries again.
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
   * Returns the manager that was made for this key, or makes one: for modules that a framework evaluates several times in
   * one process, once for each route or at each hot reload. Kept on the global object, so that copies of the package of
   * one version share it. Where the options differ from those of the manager of this key, that one is closed and replaced;
   * one that was closed is replaced too. Not for tenants or users of one process: these are sessions, or managers with
   * keys of their own.
   *
   * Functions and stores cannot be compared. Options that have any require `identity`, which then decides together with
   * all plain data; the functions of the first call stay in use.
   *
   * @param key a non-empty string, chosen by the application
   * @throws {TokenError} `invalid_options` where `key` is not such a string, or `identity` is missing
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
   * Touches no network and does not throw: what is wrong with the options is reported by
   * {@link ready} and by every other asynchronous method, as `invalid_options`.
   */
  constructor(options: TokenManagerOptions);

  /**
   * Resolves when the core is compiled and the options are accepted. Every other method
   * waits for it by itself; nobody has to call it.
   *
   * @throws {TokenError} `invalid_options`, `wasm_blocked`, `unsupported`, `closed`
   */
  ready(): Promise<void>;

  /**
   * The current access token, valid now and for a while.
   *
   * Any number of concurrent calls share one grant. A token that is held is handed out at
   * once, also while a new one is being asked for. In the cool-down after a failure (5 s,
   * doubling to 60 s while it lasts), callers without a usable token get that failure at once.
   *
   * @throws {TokenError} any code; `signal.reason` if the signal is aborted
   */
  getToken(options?: GetTokenOptions): Promise<string>;

  /** As {@link getToken}, with what is known of the token. */
  getAccessToken(options?: GetTokenOptions): Promise<AccessToken>;

  /** As {@link getToken}, as the value of an `Authorization` header: `"Bearer …"`. */
  authorization(options?: GetTokenOptions): Promise<string>;

  /**
   * A new token now, whether or not one is held; joins a grant that is on its way. Asks also
   * in the cool-down after a failure. If it fails, the token held stays.
   *
   * @throws {TokenError} any code; `signal.reason` if the signal is aborted
   */
  refresh(options?: RefreshOptions): Promise<AccessToken>;

  /**
   * The scopes there are, in order. At Fluz: all that the application may ask for, by
   * `getApplicationScopes` with the application's key; the provider is asked at each call, once, for
   * `timeoutMs` at most, and a failure is not tried again by itself (see {@link TokenError.retryable}).
   * Elsewhere: those of the current token, which is got first as by {@link getToken}.
   *
   * @throws {TokenError} any code; `unsupported` where the provider does not tell the scopes of its
   *   tokens and none were asked for, as Toggle; `signal.reason` if the signal is aborted
   */
  grantedScopes(options?: RefreshOptions): Promise<string[]>;

  /** What is held and still valid. Asks nobody; `undefined` before the first grant and after {@link close}. */
  peek(): AccessToken | undefined;

  /**
   * "The API refused this token." Acts only if it is the one held: the next caller waits for a
   * new one.
   */
  invalidate(token: string): void;

  /**
   * Takes a newer token out of an ordinary answer of the API (Toggle's sliding token, or a
   * profile's `sliding` header). Its body is not touched. In browsers the server must list the
   * header in `Access-Control-Expose-Headers`. An answer of another origin than the endpoint's
   * replaces nothing.
   *
   * @returns whether there was one
   */
  adopt(response: Response): boolean;

  /**
   * `fetch` with the token. Bound: it can be handed to any client as its `fetch`.
   *
   * Adds `Authorization: Bearer …`, adopts sliding tokens, and where the API refuses the token, by
   * its status or in the answer (also with HTTP 200), gets a new one and sends the request once
   * more. A new token that is refused as well is kept, and its answer is given.
   *
   * - A request that brings its own `Authorization` is sent as it is, and only once.
   * - The token goes to the endpoint's origin and to the option `origins` alone.
   * - Redirects are followed by the rules of the Fetch standard, at most 20, also where the option
   *   `fetch` would keep headers that it should remove. The token goes along to origins that may
   *   have it; once another one had the request, it is not sent again. `cookie`,
   *   `proxy-authorization` and `host` stay at their origin. `response.redirected` is `true`, but
   *   not in a `clone()` of it. A page cannot follow redirects itself: the browser does, and takes
   *   the token off wherever the origin changes (older browsers do not; see the README).
   * - Address, method, headers and body are read once, at the call. A stream is sent once: if that
   *   is refused, its answer is given; if it is redirected with its body, `fetch` rejects. A
   *   `Request` is cloned, so its body stays in memory until the answer is there. A `Request` of
   *   another implementation (node-fetch, the npm package undici) is read by its public members,
   *   its body to the end.
   * - Nothing is sent again where `data` has a root field that is not null.
   * - Only JSON of up to 1 MiB is looked into; the caller has its body whole. Other answers are given as soon as their
   *   headers are there.
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
   * @throws {TokenError} any code of {@link getToken}; `invalid_options` for an origin that may not
   * have the token, and for an address with a user name or password. Whatever `fetch` itself rejects with passes through.
   */
  readonly fetch: GlobalFetch;

  /**
   * Asks the API, and resolves with `data`.
   *
   * GraphQL over HTTP, sent to the provider's endpoint with the headers that it wants and those of
   * the option `headers`, and once more where the token is refused. There is no timeout: give a
   * `signal`, for example `AbortSignal.timeout(5_000)`.
   *
   * @param document a string, or a `DocumentNode`, which is printed as it is now. One that carries its types
   * (`TypedDocumentNode`, `TypedDocumentString`) gives those of the result and of the variables.
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
   * @throws {GraphQLRequestError} where the answer has errors
   * @throws {TokenError} where there is no GraphQL answer; `insufficient_scope` or `token_rejected`
   * where a new token was refused as well; `signal.reason` if the signal is aborted
   */
  request<Data = any, Variables = { readonly [name: string]: unknown }>(
    document: RequestDocument<Data, Variables>,
    ...rest: {} extends Variables
      ? [variables?: Variables | null | undefined, options?: RequestOptions | undefined]
      : [variables: Variables, options?: RequestOptions | undefined]
  ): Promise<Data>;

  /**
   * Another identity or scope set under the same credentials, with a token of its own: the same methods, for it.
   *
   * The same selector gives the same session, in whatever order its keys and scopes are. Nothing is asked for until a
   * method needs a token. Sessions share one timer and the limits of the option `sessions`: one that is given up
   * meanwhile comes back by itself at the next call. What is wrong with the selector is reported by the session's
   * methods, as `invalid_options`.
   *
   * A session whose scopes are a part of those of a fresh token of the same identity uses that token, where it is held
   * by one of the 64 sessions of the identity that were used last. Listeners of the
   * manager hear of all sessions, those of a session (`session.on`) of it alone.
   *
   * @param selector what is different; the manager's own where left out
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
   * A snapshot for dashboards, of the manager's own session. Holds no secret. The same frozen object until something of it
   * changes, which the event `change` reports.
   */
  status(): Status;

  /**
   * Calls `listener` at each event of a type, with the event and the manager. It may call any method; one that throws
   * disturbs nobody, and a `warning` says so.
   *
   * A listener that refers to the manager keeps it from being collected until it is closed, as do functions and stores in
   * the options that refer to it, its sessions, and callers that wait. One that uses its second argument instead does not. A
   * manager that was collected is closed; listeners for `close` then get `undefined` as their second argument.
   *
   * @returns a function that ends it
   * @throws {TokenError} `invalid_options` if there is no such event
   */
  on<T extends TokenEvent["type"]>(
    type: T,
    listener: (event: Extract<TokenEvent, { type: T }>, tokens: ListenerTarget<T, this>) => unknown,
  ): () => void;

  /**
   * Ends timers and listeners, gives up what is on the wire, and rejects callers that wait with
   * `closed`. May be called again.
   */
  close(): Promise<void>;

  /** {@link close}, for `using`. */
  [Symbol.dispose](): void;

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A session of a manager: see {@link TokenManager.session}. It keeps its manager from being collected; a session that
 * nobody has is given up like one that nobody uses.
 */
export interface TokenSession extends Omit<TokenManager, "session" | "on" | "close"> {
  /** As {@link TokenManager.on}, for the events of this session, which is the second argument. */
  on<T extends TokenEvent["type"]>(
    type: T,
    listener: (event: Extract<TokenEvent, { type: T }>, session: ListenerTarget<T, this>) => unknown,
  ): () => void;

  /**
   * Ends this session for all who have it: its callers that wait reject with `closed`, and its token is forgotten.
   * {@link TokenManager.session} then gives another. Nothing is ended where the selector selects nothing: that is the
   * manager's own, which ends with the manager.
   */
  close(): Promise<void>;
}

/**
 * What a session has of its own. What is left out, or `undefined`, is the manager's.
 *
 * - Fluz: `userId`, `accountId`, `seatId` and `scopes`.
 * - Braintree: `scopes`.
 * - Toggle: nothing.
 * - A profile: each of its `authenticate.variables` that is a string, a number or a boolean, by its name, with a value of
 *   the same kind; `scopes` where `"$scopes"` is among them.
 * - A `grant` function: whatever it makes something of, as strings, numbers and booleans; and `scopes`.
 * - A broker: whatever its `authorize` makes something of, as strings, which are sent as fields of the form; and `scopes`.
 *
 * A selector is a plain object (not an instance of a class, nor a `Map`), read once, at the call. Its strings are
 * well-formed: one with a lone surrogate is refused. A member that is there but `undefined`, such as the id of a user who
 * is not signed in, is refused as well: leave the key out to mean the manager's own. Other keys are refused with the nearest
 * known one named. All this is an `invalid_options` of the session's methods.
 */
export interface Selector {
  /** Fluz: the user to act for, a UUID. */
  readonly userId?: string;
  /** Fluz: the account to act for, a UUID. */
  readonly accountId?: string;
  /** Fluz: the seat that transacts, a UUID; `null` for the account's own. */
  readonly seatId?: string | null;
  /** The scopes to ask for, at least one; `undefined` for the manager's own. */
  readonly scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
  /** What else there is to select. */
  readonly [name: string]: string | number | boolean | readonly string[] | null | undefined;
}

/**
 * `graphql-token-manager/core.wasm`, for {@link TokenManager.ready}: compiled, its bytes, the answer
 * of a server that has it, or its address, which is given to `fetch`.
 */
export type CoreSource =
  (WebAssembly.Module & object) | ArrayBuffer | ArrayBufferView | Response | URL | string;

/** A token. Frozen; printing it, in any way, does not show its value. */
export interface AccessToken {
  /** The token itself. */
  readonly value: string;
  /** How to present it. */
  readonly tokenType: "Bearer";
  /** What was granted; what was asked for, where the provider does not tell. */
  readonly scopes: readonly string[];
  /** When it was received, by the provider's clock where that is known. */
  readonly issuedAt: number;
  /** When it stops being valid, by the provider's clock where that is known. */
  readonly expiresAt: number;
  /** Without the value. */
  toString(): string;
  /** Without the value. */
  toJSON(): {
    value: "[redacted]";
    tokenType: "Bearer";
    scopes: readonly string[];
    issuedAt: number;
    expiresAt: number;
  };
}

/**
 * A GraphQL document: a string, a `DocumentNode` of graphql-js, or either of them with the types of
 * its result and variables, as GraphQL Code Generator and gql.tada make them.
 */
export type RequestDocument<Data = any, Variables = any> =
  | string
  | ((DocumentTree | String) & {
      /** Carries the types; never there. */
      readonly __apiType?: ((variables: Variables) => Data) | undefined;
    });

/** What is used of a `DocumentNode`. */
export interface DocumentTree {
  /** `"Document"`. */
  readonly kind: string;
  /** Operations and fragments. */
  readonly definitions: readonly unknown[];
}

/** Options of one request. */
export interface RequestOptions {
  /** Which operation to carry out, where the document has several. */
  operationName?: string | null | undefined;
  /** Gives up the request and the wait for a token: both reject with its reason. */
  signal?: AbortSignal | null | undefined;
  /** Added; they take the place of the manager's own. With an `Authorization`, no token is added. */
  headers?: HeadersLike | undefined;
  /**
   * Scopes that the token must have, or a function that returns them, such as `requiredScopes` of
   * `graphql-token-manager/scopes`. The token is a held and fresh one that has them, else one that is granted for
   * these scopes alone. An empty list: the session's own token. The request is not sent where the function throws: a
   * `TokenError` as it is, anything else as the `cause` of an `invalid_options`.
   */
  scopes?: readonly (FluzScope | BraintreeScope)[] | RequestScopes | undefined;
  /**
   * Bytes of the answer that are read at most, counted after decompression. A longer one rejects with `protocol`. Above 0;
   * `Infinity` for no limit.
   *
   * `JSON.parse` of the platform blocks the thread while it reads the answer. That takes about 0.1 s for 16 MiB of long
   * strings, and 1 s or more where all of it is empty lists and objects, nested or not. Set a lower limit for an API that
   * is not trusted with that.
   *
   * @defaultValue 16_777_216 (16 MiB)
   */
  maxResponseBytes?: number | undefined;
}

/** Returns the scopes that a document needs. Called once for each request, before anything is sent. */
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
   * What the token must have left; else the caller waits for a new one, and gets the rest of the
   * old one only if that fails. At least 0; at most three quarters of the lifetime count.
   *
   * @defaultValue the manager's `minValidityMs`
   */
  minValidityMs?: number | undefined;
  /**
   * Scopes that the token must have: a held and fresh token that has them, else one that is granted for these scopes
   * alone and shared by all calls for the same scopes. Other callers keep the token they had. An empty list: the
   * session's own scopes. `insufficient_scope` where fewer are granted.
   */
  scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
  /**
   * Whether the token must have been asked for with exactly these scopes (`scopes`, else the session's), such as for a page:
   * another session of the same user may hold one with more scopes, which is otherwise used as well.
   *
   * @defaultValue `false`
   */
  exactScopes?: boolean | undefined;
}

/** Options of one forced refresh. */
export interface RefreshOptions {
  /** Rejects this caller alone, with `signal.reason`; others still get the token. */
  signal?: AbortSignal | null | undefined;
}

/** A snapshot of a manager or session. Frozen. */
export interface Status {
  /** How good the token held is. */
  state: "empty" | "fresh" | "refresh-due" | "expired";
  /** Whether a new one is being asked for. */
  refreshing: boolean;
  /** When the token was received, by the provider's clock where that is known. */
  issuedAt?: number;
  /** When it expires, by the provider's clock where that is known. */
  expiresAt?: number;
  /**
   * How long it is valid from now on, in milliseconds, however wrong the device's clock is: computed each time that it is
   * read. 0 once another token is held.
   */
  readonly expiresInMs?: number;
  /** When the timer refreshes it, by the device's clock. */
  refreshAt?: number;
  /** The failure of the last grant, until one succeeds. */
  lastError?: { code: TokenErrorCode; message: string } & Omit<TokenErrorDetails, "cause" | "retryable">;
  /** Grants that brought a token. */
  grants: number;
  /** Grants that were given up. */
  failures: number;
  /** How many sessions are held, the manager's own included; one for each set of scopes of each identity. */
  sessions: number;
}

/** The second argument of a listener: what it was added to. It may have been collected where it is closed. */
export type ListenerTarget<Type extends TokenEvent["type"], Target> = Type extends "close"
  ? Target | undefined
  : Target;

/** What listeners get: frozen, and without any token. */
export type TokenEvent =
  | {
      /**
       * `status()` returns another object: for listeners of a manager that of its own session, for those of a session that
       * of the session. Once for several changes in one turn of the event loop.
       */
      readonly type: "change";
      /** The selector of the session. */
      readonly session: Selector;
    }
  | {
      /** There is a new token. */
      readonly type: "token";
      /** Why it was asked for. */
      readonly reason: "initial" | "proactive" | "expired" | "refused" | "adopted" | "shared" | "forced";
      /** When it expires, by the provider's clock where that is known. */
      readonly expiresAt: number;
      /** What it may do. */
      readonly scopes: readonly string[];
      /** The selector of the session it is for, without what is the manager's own. */
      readonly session: Selector;
    }
  | {
      /** A grant failed and is tried again. */
      readonly type: "retry";
      /** The attempt to come; the first retry is 2. */
      readonly attempt: number;
      /** The pause before it. */
      readonly delayMs: number;
      /** Why. */
      readonly code: TokenErrorCode;
      /** The selector of the session it is for, where that is not the manager's own. */
      readonly session?: Selector;
    }
  | {
      /** A grant was given up. */
      readonly type: "error";
      /** Why. */
      readonly error: TokenError;
      /** Whether callers still get the token held. */
      readonly tokenStillValid: boolean;
      /** The selector of the session it was for. */
      readonly session: Selector;
    }
  | {
      /** The token held expired, and no other has taken its place. */
      readonly type: "expired";
      /** The selector of the session it was for. */
      readonly session: Selector;
    }
  | {
      /** Something to look into; tokens go on. */
      readonly type: "warning";
      /**
       * - `insufficient_scope`: fewer scopes were granted than asked for.
       * - `listener_failed`: a listener threw.
       * - `secret_in_page`: a page holds a long-lived secret.
       * - `header_not_exposed`: a page cannot read the header that brings new tokens.
       * - `many_managers`: more than 16 managers of one identity, whatever their scopes, are used and neither closed nor
       *   collected in this realm, by all copies of the package of this version. Reported once for as long as there are any,
       *   by a manager that has a listener. Managers whose credentials are in a `grant` function, or in the `fetch` of a
       *   broker, count only where they have `identity`; where the engine has no `FinalizationRegistry`, none do.
       */
      readonly code:
        | "insufficient_scope"
        | "listener_failed"
        | "secret_in_page"
        | "header_not_exposed"
        | "many_managers"
        | (string & {});
      /** For people. */
      readonly message: string;
      /** The selector of the session it is about, where that is not the manager's own. */
      readonly session?: Selector;
    }
  | {
      /** The manager was closed; for listeners of a session, the session. */
      readonly type: "close";
    };

/**
 * What went wrong; the contract of {@link TokenError}.
 *
 * - `invalid_options`: the options are wrong; the message names the key and what to write.
 * - `invalid_credentials`: the provider refused the credentials. Those that have brought a token are
 *   presented again after 15 s, 1, 4 and then every 15 minutes, by each session; others twice in all, by all sessions of
 *   the manager together, until they change or `refresh()` is called. Each process counts for itself.
 * - `credentials_unavailable`: a secret function threw, took longer than `timeoutMs`, or gave no string.
 * - `insufficient_scope`: fewer scopes were granted than are needed; `missingScopes` lists those that are known.
 * - `token_rejected`: the API refused a token that was granted just before.
 * - `rate_limited`: 429, or the provider's own throttle; see `retryAfterMs`.
 * - `network`: no answer.
 * - `fetch_threw`: the function given as option `fetch`, or what replaces the global one, threw something other than a failure
 *   of the network; `cause` says what. Retryable, but for mistakes in a program (`ReferenceError`, `RangeError` …).
 * - `timeout`: too late an answer.
 * - `server`: 5xx, or the provider's own code for an outage.
 * - `protocol`: the answer is not what the provider documents; retryable where it is not the provider's
 *   at all (an HTML page, an empty or broken body, a redirect), or brought a token that had expired.
 * - `store`: a store failed where the token could not be had without it.
 * - `closed`: the manager, or the session, is closed.
 * - `unsupported`: the provider, or this runtime, has no such operation.
 * - `wasm_blocked`: the page's Content-Security-Policy forbids WebAssembly; the message names
 *   the directive to add.
 * - `internal`: the core broke off, most likely because the stack was exhausted; the next call
 *   starts it again.
 * - `graphql_errors`: a GraphQL answer with errors; only {@link GraphQLRequestError} has it.
 */
export type TokenErrorCode =
  | "invalid_options"
  | "invalid_credentials"
  | "credentials_unavailable"
  | "insufficient_scope"
  | "token_rejected"
  | "rate_limited"
  | "network"
  | "fetch_threw"
  | "timeout"
  | "server"
  | "protocol"
  | "store"
  | "closed"
  | "unsupported"
  | "wasm_blocked"
  | "internal"
  | "graphql_errors";

/** What a {@link TokenError} may tell besides its code. */
export interface TokenErrorDetails {
  /** Whether the same call may succeed later; by default, what the code says. */
  retryable?: boolean | undefined;
  /** The provider's name. */
  provider?: string | undefined;
  /** The HTTP status of the answer. */
  status?: number | undefined;
  /** The provider's own id of the request. */
  requestId?: string | undefined;
  /** How long the provider asked to be left alone. */
  retryAfterMs?: number | undefined;
  /** Scopes that were needed and not granted; for `insufficient_scope`, an empty list by default. */
  missingScopes?: readonly string[] | undefined;
  /** How many requests were made. */
  attempts?: number | undefined;
  /**
   * What led to it. Of the manager's own errors, those of a `fetch` that threw have one: a copy with its class, code,
   * message and stack, in which texts of the request are replaced by `[redacted]`.
   */
  cause?: unknown;
}

/** A {@link TokenError} with the code `Code`. */
export interface TokenErrorOf<Code extends TokenErrorCode> extends Error {
  /** The class's name. */
  readonly name: "TokenError" | "GraphQLRequestError";
  /** What to branch on: where it is compared, TypeScript knows what else the error has. */
  readonly code: Code;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The provider's name. */
  readonly provider?: string;
  /** The HTTP status of the answer, where there was one. */
  readonly status?: number;
  /** The provider's own id of the request, where it gave one. */
  readonly requestId?: string;
  /** How long the provider asked to be left alone. */
  readonly retryAfterMs?: number;
  /**
   * Scopes that were needed and not granted. Always a list with the code `insufficient_scope`, empty where the API did not
   * name them.
   */
  readonly missingScopes: Code extends "insufficient_scope"
    ? readonly string[]
    : readonly string[] | undefined;
  /** How many requests were made. */
  readonly attempts?: number;
}

/**
 * What every method rejects with. Holds no secret, no token and no answer's body, in whatever
 * way it is printed.
 *
 * @example
 * ```ts
 * import { TokenError, TokenManager } from "graphql-token-manager";
 *
 * declare const tokens: TokenManager;
 *
 * try {
 *   await tokens.getToken({ scopes: ["MAKE_DEPOSIT"] });
 * } catch (error) {
 *   if (TokenError.is(error) && error.code === "insufficient_scope") console.log(error.missingScopes.join());
 *   else throw error;
 * }
 * ```
 */
export type TokenError =
  | TokenErrorOf<"insufficient_scope">
  | TokenErrorOf<Exclude<TokenErrorCode, "insufficient_scope" | "graphql_errors">>
  | GraphQLRequestError;

/** What every method rejects with. */
export const TokenError: TokenErrorConstructor;

/** The class of {@link TokenError}, which may be extended. */
export interface TokenErrorConstructor {
  /** For a `grant` function to throw. */
  new <Code extends TokenErrorCode = TokenErrorCode>(
    code: Code,
    message: string,
    details?: TokenErrorDetails,
  ): TokenErrorOf<Code>;
  /** Whether a value is a `TokenError`, also one of another realm or another copy of this package. */
  is(value: unknown): value is TokenError;
  /** That of every class. It is stated because `instanceof` would not distinguish the codes otherwise. */
  [Symbol.hasInstance]<Class extends abstract new (...values: any) => unknown>(
    this: Class,
    value: unknown,
  ): value is Class extends TokenErrorConstructor ? TokenError : InstanceType<Class>;
}

/**
 * What {@link TokenManager.request} rejects with where the answer has errors, whatever data it has
 * besides.
 *
 * Its message tells the codes alone, and printing it shows neither `errors` nor `data`: errors of an
 * API quote what they were sent.
 */
export interface GraphQLRequestError extends TokenErrorOf<"graphql_errors"> {
  /** The class's name. */
  readonly name: "GraphQLRequestError";
  /** The answer's errors, as they came. */
  readonly errors: readonly GraphQLAnswerError[];
  /** The answer's data: `null` or missing, or a part of what was asked for. */
  readonly data: any;
}

/** What {@link TokenManager.request} rejects with where the answer has errors. */
export const GraphQLRequestError: GraphQLRequestErrorConstructor;

/** The class of {@link GraphQLRequestError}. */
export interface GraphQLRequestErrorConstructor {
  /** For tests. */
  new (message: string, details: GraphQLRequestErrorDetails): GraphQLRequestError;
  /** Whether a value is a `GraphQLRequestError`, also one of another realm or another copy of this package. */
  is(value: unknown): value is GraphQLRequestError;
}

/** What a {@link GraphQLRequestError} tells. */
export interface GraphQLRequestErrorDetails extends TokenErrorDetails {
  /** The answer's errors. */
  errors: readonly GraphQLAnswerError[];
  /** The answer's data, where there is some. */
  data?: unknown;
}

/** An error of an answer (GraphQL specification, section 7.1.2); APIs add keys of their own. */
export interface GraphQLAnswerError {
  /** In the API's words, which may quote what it was sent. */
  readonly message: string;
  /** Which field it is about: names and positions from the root. */
  readonly path?: readonly (string | number)[] | undefined;
  /** Where in the document it is. */
  readonly locations?: readonly { readonly line: number; readonly column: number }[] | undefined;
  /** What the API tells besides, often a `code`. */
  readonly extensions?: { readonly [key: string]: any } | undefined;
  readonly [key: string]: any;
}

/** The platform's `fetch`, where its types are known. */
export type GlobalFetch = typeof globalThis extends { fetch: infer Fetch }
  ? Fetch
  : (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** What `new Headers()` takes. */
export type HeadersLike = Headers | Record<string, string> | [string, string][];

/**
 * Empty where a program is compiled without the types of a platform (`dom`, `@types/node`, …), which complete these
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
