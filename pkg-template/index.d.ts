/**
 * Short-lived access tokens for GraphQL APIs: got once, shared by all callers, renewed
 * ahead of their expiry.
 *
 * Times are in milliseconds: spans end in `Ms`, points in time since the Unix epoch in `At`.
 *
 * @packageDocumentation
 */

import type { BraintreeScope, FluzScope } from "./scopes.js";

export type { BraintreeScope, FluzScope };

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
   * header in `Access-Control-Expose-Headers`.
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
   * - The token goes to the endpoint's origin and to the option `origins` alone. Redirects are
   *   followed as `fetch` follows them, and `fetch` takes the token off where they lead elsewhere;
   *   a replacement given as option `fetch` must do the same.
   * - Bodies and headers are taken as they are at the call. A stream is sent once: if that is
   *   refused, its answer is given. A `Request` is cloned, so its body stays in memory until the
   *   answer is there.
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
   * have the token. Whatever `fetch` itself rejects with passes through.
   */
  readonly fetch: typeof globalThis.fetch;

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

  /** A snapshot for dashboards. Holds no secret. */
  status(): Status;

  /**
   * Calls `listener` at each event of a type. It may call any method; one that throws disturbs
   * nobody, and a `warning` says so.
   *
   * @returns a function that ends it
   * @throws {TokenError} `invalid_options` if there is no such event
   */
  on<T extends TokenEvent["type"]>(
    type: T,
    listener: (event: Extract<TokenEvent, { type: T }>) => unknown,
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
  readonly kind: string;
  readonly definitions: readonly unknown[];
}

/** Options of one request. */
export interface RequestOptions {
  /** Which operation to carry out, where the document has several. */
  operationName?: string | null | undefined;
  /** Gives up the request and the wait for a token: both reject with its reason. */
  signal?: AbortSignal | undefined;
  /** Added; they take the place of the manager's own. With an `Authorization`, no token is added. */
  headers?: HeadersInit | undefined;
  /** Scopes that the token must have. */
  scopes?: readonly string[] | undefined;
}

/** Options of one call for a token. */
export interface GetTokenOptions extends RefreshOptions {
  /**
   * What the token must have left; else the caller waits for a new one, and gets the rest of the
   * old one only if that fails. At least 0; at most three quarters of the lifetime count.
   *
   * @defaultValue the manager's `minValidityMs`
   */
  minValidityMs?: number | undefined;
  /** Scopes that the token must have; `insufficient_scope` if it is known not to. */
  scopes?: readonly string[] | undefined;
}

/** Options of one forced refresh. */
export interface RefreshOptions {
  /** Rejects this caller alone, with `signal.reason`; others still get the token. */
  signal?: AbortSignal | undefined;
}

/** The options of a manager, told apart by `provider`. Unknown keys are refused. */
export type TokenManagerOptions = FluzOptions | ToggleOptions | BraintreeOptions | ProfileOptions;

/**
 * A secret: as it is, or a function that is called for each grant, so that it can come from a
 * vault and be rotated. A function has `timeoutMs` to answer.
 */
export type Secret = string | (() => string | Promise<string>);

/** Options of every provider. */
export interface CommonOptions {
  /**
   * Where grants are sent: an `https:` URL without user name and password; `http:` for loopback
   * only, unless `allowInsecure`.
   *
   * @defaultValue the provider's own for the environment
   */
  endpoint?: string | undefined;
  /**
   * The lifetime of a token, where the answer does not tell; where it tells as well, the earlier
   * end counts (Braintree: what the answer tells alone).
   *
   * @defaultValue Fluz: 600 000 in the sandbox, 180 000 in production; Toggle, Braintree: 3 600 000;
   * a profile: 300 000
   */
  lifetimeMs?: number | undefined;
  /**
   * When a timer refreshes: `"always"`, for as long as the manager lives; `"while-used"`, if the
   * token was asked for since the last refresh; `"on-demand"`, never: calls near the end of the
   * lifetime do, and get the token held.
   *
   * @defaultValue "always"
   */
  refresh?: "always" | "while-used" | "on-demand" | undefined;
  /**
   * The last part of the lifetime in which to refresh: a fraction from 0 to 0.9, at most five
   * minutes of it. Jittered by up to a tenth, earlier; widened where `minValidityMs` would
   * otherwise make callers wait.
   *
   * @defaultValue 0.25
   */
  refreshWindow?: number | undefined;
  /**
   * A token with less than this left is not handed out while a new one can be had. At least 0; at
   * most three quarters of the lifetime count.
   *
   * @defaultValue an eighth of the lifetime, at most 10 000
   */
  minValidityMs?: number | undefined;
  /**
   * For one grant request, its body included; for one call of a secret or `grant` function. At
   * least 1.
   *
   * @defaultValue 10 000
   */
  timeoutMs?: number | undefined;
  /** How to try again after failures that may pass. */
  retry?: RetryOptions | undefined;
  /**
   * Used instead of the global one: for grants, with a URL and plain `init` (a string as the body,
   * `redirect: "manual"`), for {@link TokenManager.fetch}, with what that was called with, and for
   * {@link TokenManager.request}.
   *
   * @defaultValue the global `fetch`
   */
  fetch?: FetchLike | undefined;
  /**
   * Added to grant requests and to those of {@link TokenManager.request}. Not `Authorization` or
   * `Content-Type`, which are the manager's.
   */
  headers?: Record<string, string> | undefined;
  /**
   * Where {@link TokenManager.fetch} may send the token besides the endpoint's origin: origins, or
   * URLs of which the origin counts.
   *
   * @defaultValue none
   */
  origins?: readonly string[] | undefined;
  /**
   * Whether an `http:` endpoint that is not loopback is accepted. Secrets then go over the network
   * in the clear.
   *
   * @defaultValue false
   */
  allowInsecure?: boolean | undefined;
  /**
   * Node, Deno, Bun: whether the refresh timer keeps the process running. Callers that wait always
   * do.
   *
   * @defaultValue false
   */
  keepAlive?: boolean | undefined;
  /**
   * Where the token is shared with other holders: tabs, processes, machines. They cause one grant between them, and
   * renew for each other. Under a key made of all that changes the grant: endpoint, credentials, variables, headers and
   * scopes; secrets that a function gives are left out.
   *
   * The order is: lease, read again, ask the provider, save, release. A refresh token is taken out of the store before
   * it is presented. A store that fails, or is slow, costs sharing and not the token; a `warning` with code `store` says
   * so, and it is tried again.
   *
   * @defaultValue the manager's memory
   */
  store?: TokenStore | undefined;
  /**
   * How long one call of the store may take, in milliseconds.
   *
   * @defaultValue 5_000
   */
  storeTimeoutMs?: number | undefined;
}

/** What is used of `fetch`. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** How to try again after failures that may pass. `Retry-After` is obeyed. */
export interface RetryOptions {
  /**
   * Requests in all, the first included: a whole number from 1 to 100.
   *
   * @defaultValue 3
   */
  attempts?: number | undefined;
  /**
   * The first pause; each further one is twice as long, and half of it is jittered. At least 1.
   *
   * @defaultValue 1 000
   */
  baseMs?: number | undefined;
  /**
   * The longest pause. Where `Retry-After` is longer, callers that wait reject with `rate_limited`
   * at once, and the provider is left alone until then. At least `baseMs`.
   *
   * @defaultValue 30 000
   */
  maxMs?: number | undefined;
}

/** Fluz: `generateUserAccessToken` and `refreshUserAccessToken`. */
export type FluzOptions = CommonOptions & {
  provider: "fluz";
  /** Which service; may be left out where `endpoint` is given. */
  environment?: "sandbox" | "production" | undefined;
  /** The user to act for, a UUID. */
  userId: string;
  /** The account to act for, a UUID. */
  accountId: string;
  /** The seat that transacts, a UUID; the account's own where left out. */
  seatId?: string | undefined;
  /**
   * The scopes to ask for, at least one: no more than are needed, which `requiredScopes` of
   * `graphql-token-manager/scopes` tells of a document.
   */
  scopes: readonly FluzScope[];
  /**
   * `"refresh"`: `refreshUserAccessToken`, falling back to `generateUserAccessToken`; `"generate"`:
   * the latter alone.
   *
   * @defaultValue "refresh"
   */
  renewal?: "refresh" | "generate" | undefined;
} & (
    | {
        /**
         * The application's API key as Fluz shows it. `Basic ` in front of it is dropped; a raw
         * `id:secret` is encoded.
         */
        apiKey: Secret;
        appId?: undefined;
        appSecret?: undefined;
      }
    | {
        /** The application's id, instead of `apiKey`. */
        appId: string;
        /** The application's secret, instead of `apiKey`. */
        appSecret: Secret;
        apiKey?: undefined;
      }
  );

/** Toggle: `loginUser`, by email address or by user name. */
export type ToggleOptions = CommonOptions & {
  provider: "toggle";
  /** The API user's password. */
  password: Secret;
} & (
    | {
        /** The API user's email address. */
        email: string;
        username?: undefined;
      }
    | {
        /** The API user's name. */
        username: string;
        email?: undefined;
      }
  );

/** Braintree: `createOAuthAccessTokenFromClientCredentials`. */
export type BraintreeOptions = CommonOptions & {
  provider: "braintree";
  /** Which service; may be left out where `endpoint` is given. */
  environment?: "sandbox" | "production" | undefined;
  /** The OAuth client's id. */
  clientId: string;
  /** The OAuth client's secret. */
  clientSecret: Secret;
  /**
   * The scopes to ask for, at least one: no more than are needed, which `requiredScopes` of
   * `graphql-token-manager/scopes` tells of a document.
   */
  scopes: readonly BraintreeScope[];
  /**
   * Sent as `Braintree-Version`: a date, `YYYY-MM-DD`.
   *
   * @defaultValue "2019-01-01"
   */
  braintreeVersion?: string | undefined;
};

/** Any other API. */
export type ProfileOptions = CommonOptions & {
  provider: Profile | GrantProfile;
  /** The scopes to ask for: for `"$scopes"` in variables, or for the `grant` function. */
  scopes?: readonly string[] | undefined;
};

/** What every description of an API has. */
export interface ProfileBase {
  /** For messages: at most 40 characters of visible ASCII. */
  name: string;
  /** The URL of the GraphQL API. */
  endpoint: string;
  /** Where an ordinary answer brings a new token: a header, or the first of several that is there. */
  sliding?: { header: string | readonly string[] } | undefined;
  /**
   * How the API refuses a token or credentials: any of these is enough. Messages are compared
   * whole, in any case.
   *
   * @defaultValue `{ statuses: [401] }`
   */
  refused?:
    | {
        statuses?: readonly number[] | undefined;
        messages?: readonly string[] | undefined;
        codes?: readonly string[] | undefined;
      }
    | undefined;
}

/** An API as data. Paths are names and positions below `data` with dots between them; of a list, the first that exists counts. */
export interface Profile extends ProfileBase {
  /** How to get a token with the long-lived credentials. */
  authenticate: Operation;
  /** How to get one with a refresh token. Without it: authenticate again. */
  renew?: Operation | undefined;
  /** Where the token is in an answer. A header may start with `Bearer`. */
  token: { data: Path } | { header: string | readonly string[] };
  /** Where the refresh token is. */
  refreshToken?: { data: Path } | undefined;
  /** Where the granted scopes are: a list, or a text with spaces between them. */
  scopes?: { data: Path } | undefined;
  /**
   * What tells when the token expires. A JWT's own claims always count as well, and the earlier
   * end is taken. `expiresAt` may be ISO 8601, or seconds or milliseconds since the epoch.
   */
  expiry:
    | { expiresIn: Path; unit?: "seconds" | "milliseconds" | undefined }
    | { expiresAt: Path }
    | { jwt: true }
    | { lifetimeMs: number };
  /** Added to grant requests. */
  headers?: Record<string, string> | undefined;
}

/** A path below `data`, or a list of them. */
export type Path = string | readonly string[];

/** A GraphQL operation that brings a token. */
export interface Operation {
  /** The document. */
  document: string;
  /**
   * Its variables: JSON, in which a function gives a secret, `"$refreshToken"` stands for the
   * refresh token and `"$scopes"` for the scopes.
   */
  variables?: { readonly [name: string]: VariableValue } | undefined;
  /**
   * The `Authorization` header: none; `Basic` with credentials that are encoded already, or with
   * a user name and password that are not; `Bearer`.
   *
   * @defaultValue "none"
   */
  authorization?:
    "none" | { basic: Secret | { username: string; password: Secret } } | { bearer: Secret } | undefined;
}

/** JSON, or a function that gives a secret. */
export type VariableValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | (() => string | Promise<string>)
  | readonly VariableValue[]
  | { readonly [name: string]: VariableValue };

/** An API whose tokens a function of yours gets. */
export interface GrantProfile extends ProfileBase {
  /**
   * Gets a token. A {@link TokenError} that it throws says whether to try again; anything else is
   * tried again.
   */
  grant: (request: GrantRequest) => GrantResult | Promise<GrantResult>;
}

/** What a `grant` function is called with. */
export interface GrantRequest {
  /** The refresh token of the last grant, if it brought one. Given once. */
  refreshToken: string | undefined;
  /** The scopes to ask for. */
  scopes: string[];
  /** Aborted when the manager is closed, and when `timeoutMs` is over. */
  signal: AbortSignal;
}

/** What a `grant` function gives. */
export interface GrantResult {
  /** The token: visible ASCII. */
  accessToken: string;
  /** When it expires: since the epoch, or ISO 8601. Instead of `expiresInMs`. */
  expiresAt?: number | string | Date | undefined;
  /** How long it lives, from now on. Instead of `expiresAt`. */
  expiresInMs?: number | undefined;
  /** For the next grant. Without one, the last is kept. */
  refreshToken?: string | undefined;
  /** What was granted, if that is known. */
  scopes?: readonly string[] | undefined;
}

/** A snapshot of a manager. */
export interface Status {
  /** How good the token held is. */
  state: "empty" | "fresh" | "refresh-due" | "expired";
  /** Whether a new one is being asked for. */
  refreshing: boolean;
  /** When the token was received, by the provider's clock where that is known. */
  issuedAt?: number;
  /** When it expires, by the provider's clock where that is known. */
  expiresAt?: number;
  /** When the timer refreshes it, by the device's clock. */
  refreshAt?: number;
  /** The failure of the last grant, until one succeeds. */
  lastError?: { code: TokenErrorCode; message: string } & Omit<TokenErrorDetails, "cause" | "retryable">;
  /** Grants that brought a token. */
  grants: number;
  /** Grants that were given up. */
  failures: number;
  /** How many identities are held. */
  sessions: number;
}

/** What listeners get: frozen, and without any token. */
export type TokenEvent =
  | {
      /** There is a new token. */
      readonly type: "token";
      /** Why it was asked for. */
      readonly reason: "initial" | "proactive" | "expired" | "refused" | "adopted" | "forced";
      /** When it expires, by the provider's clock where that is known. */
      readonly expiresAt: number;
      /** What it may do. */
      readonly scopes: readonly string[];
      /** Which identity it is for. */
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
    }
  | {
      /** A grant was given up. */
      readonly type: "error";
      /** Why. */
      readonly error: TokenError;
      /** Whether callers still get the token held. */
      readonly tokenStillValid: boolean;
      /** Which identity it was for. */
      readonly session: Selector;
    }
  | {
      /** The token held expired, and no other has taken its place. */
      readonly type: "expired";
      /** Which identity it was for. */
      readonly session: Selector;
    }
  | {
      /** Something to look into; tokens go on. */
      readonly type: "warning";
      /**
       * Fewer scopes were granted than asked for; a listener threw; a page holds a long-lived secret;
       * a page cannot read the header that brings new tokens.
       */
      readonly code:
        "insufficient_scope" | "listener_failed" | "secret_in_page" | "header_not_exposed" | (string & {});
      /** For people. */
      readonly message: string;
    }
  | {
      /** The manager was closed. */
      readonly type: "close";
    };

/** Which identity an event is about; empty for the manager's own. */
export interface Selector {}

/**
 * Where tokens are kept for several holders: tabs, processes, machines. The stores of this package are made by
 * `graphql-token-manager/stores/…`; an object of your own with these methods is as good, and `checkStore` of
 * `graphql-token-manager/testing` says whether it is.
 *
 * Any method may throw or reject, with a {@link StoreError} or with anything else: that costs sharing, not tokens.
 * Keys hold no secret; a store may show them.
 */
export interface TokenStore {
  /** What was written last; `undefined` if there is nothing, it has expired, or is no entry. Takes no lock. */
  get(key: string): Promise<string | undefined> | string | undefined;

  /**
   * Replaces the value, until `expiresAt`: milliseconds since the Unix epoch, by this device's clock.
   *
   * With a fence: `false`, and nothing written, when a later lease has written or been granted since. A value of more
   * than 1 MiB is refused.
   */
  set(
    key: string,
    value: string,
    expiresAt: number,
    fence?: number,
  ): Promise<boolean | void> | boolean | void;

  /** Forgets the value, not the fence. */
  delete(key: string): Promise<void> | void;

  /**
   * An exclusive lease, at once; `undefined` when somebody else holds it. Expires by itself after `ttlMs`, also while its
   * holder sleeps.
   */
  acquire?(key: string, ttlMs: number): Promise<Lease | undefined>;

  /**
   * Calls `changed` when another holder changed the key: rather once too often than once too seldom.
   *
   * @returns a function that ends it
   */
  watch?(key: string, changed: () => void): () => void;
}

/** A store that can do all of it, and answers with promises, as those of this package. */
export interface SharedStore extends TokenStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number, fence?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  acquire(key: string, ttlMs: number): Promise<Lease | undefined>;
  watch(key: string, changed: () => void): () => void;
}

/** The right to write, for a while. */
export interface Lease {
  /** Later leases of a key have higher ones: after a release, a crash, and where the store lost everything. */
  readonly fence: number;
  /** Lets others have it. Harmless where it has expired, and when called again. */
  release(): Promise<void>;
}

/** Why one of this package's stores failed. Holds no value. Told by its `name`, since each store has a copy. */
export interface StoreError extends Error {
  readonly name: "StoreError";
  /** What to branch on. */
  readonly code: StoreErrorCode;
}

/** What went wrong; the contract of {@link StoreError}. */
export type StoreErrorCode =
  /** An option or an argument is wrong. */
  | "invalid_options"
  /** The browser does not let this page use storage. */
  | "blocked"
  /** There is no room; nothing was written. */
  | "full"
  /** The value is larger than 1 MiB; nothing was written. */
  | "too_large"
  /** A symbolic link, or a file of somebody else, lies where the store's own should. */
  | "insecure"
  /** What the store needs is not there, as WebCrypto in a page without https:. */
  | "unsupported"
  /** It cannot be reached, or failed. */
  | "unavailable";

/** Something about a store to look into; it works all the same. */
export interface StoreWarning {
  /** A file or a folder that others could use, which was corrected; a value that does not open. */
  readonly code: "insecure_mode" | "unreadable";
  /** For people. */
  readonly message: string;
}

/** What went wrong; the contract of {@link TokenError}. */
export type TokenErrorCode =
  /** The options are wrong; the message names the key and what to write. */
  | "invalid_options"
  /** The provider refused the credentials. */
  | "invalid_credentials"
  /** A secret function threw, took longer than `timeoutMs`, or gave no string. */
  | "credentials_unavailable"
  /** Fewer scopes were granted than are needed; see `missingScopes`. */
  | "insufficient_scope"
  /** The API refused a token that was granted just before. */
  | "token_rejected"
  /** 429, or the provider's own throttle; see `retryAfterMs`. */
  | "rate_limited"
  /** No answer. */
  | "network"
  /** Too late an answer. */
  | "timeout"
  /** 5xx, or the provider's own code for an outage. */
  | "server"
  /** The answer is not what the provider documents. */
  | "protocol"
  /** A store failed where the token could not be had without it. */
  | "store"
  /** The manager is closed. */
  | "closed"
  /** The provider, or this runtime, has no such operation. */
  | "unsupported"
  /** The page's Content-Security-Policy forbids WebAssembly; the message names the directive to add. */
  | "wasm_blocked"
  /** The core broke off, most likely because the stack was exhausted; the next call starts it again. */
  | "internal"
  /** A GraphQL answer with errors; only {@link GraphQLRequestError} has it. */
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
  /** Scopes that were needed and not granted. */
  missingScopes?: readonly string[] | undefined;
  /** How many requests were made. */
  attempts?: number | undefined;
  /** What led to it. The manager's own errors have none. */
  cause?: unknown;
}

/**
 * What every method rejects with. Holds no secret, no token and no answer's body, in whatever
 * way it is printed.
 */
export class TokenError extends Error {
  /** For a `grant` function to throw. */
  constructor(code: TokenErrorCode, message: string, details?: TokenErrorDetails);
  readonly name: "TokenError" | "GraphQLRequestError";
  /** What to branch on. */
  readonly code: TokenErrorCode;
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
  /** Scopes that were needed and not granted. */
  readonly missingScopes?: readonly string[];
  /** How many requests were made. */
  readonly attempts?: number;
  /** Whether a value is a `TokenError`, also one of another realm or another copy of this package. */
  static is(value: unknown): value is TokenError;
}

/**
 * What {@link TokenManager.request} rejects with where the answer has errors, whatever data it has
 * besides.
 *
 * Its message tells the codes alone, and printing it shows neither `errors` nor `data`: errors of an
 * API quote what they were sent.
 */
export class GraphQLRequestError extends TokenError {
  /** For tests. */
  constructor(message: string, details: GraphQLRequestErrorDetails);
  readonly name: "GraphQLRequestError";
  readonly code: "graphql_errors";
  /** The answer's errors, as they came. */
  readonly errors: readonly GraphQLAnswerError[];
  /** The answer's data: `null` or missing, or a part of what was asked for. */
  readonly data: any;
  /** Whether a value is a `GraphQLRequestError`, also one of another realm or another copy of this package. */
  static is(value: unknown): value is GraphQLRequestError;
}

/** What a {@link GraphQLRequestError} tells. */
export interface GraphQLRequestErrorDetails extends TokenErrorDetails {
  errors: readonly GraphQLAnswerError[];
  data?: unknown;
}

/** An error of an answer (GraphQL specification, section 7.1.2); APIs add keys of their own. */
export interface GraphQLAnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  readonly locations?: readonly { readonly line: number; readonly column: number }[] | undefined;
  readonly extensions?: { readonly [key: string]: any } | undefined;
  readonly [key: string]: any;
}
