/// <reference lib="esnext.disposable" preserve="true" />

/**
 * A local GraphQL server with the documented behaviour of Fluz, Toggle and Braintree, for tests and for trying
 * programs out.
 *
 * Requires the packages `graphql` and `graphql-yoga`, which are optional peer dependencies: `npm install --save-dev
 * graphql graphql-yoga`.
 *
 * @packageDocumentation
 */

import type { TokenStore } from "graphql-token-manager";

/** The APIs of the sandbox. `acme` is fictitious: it serves for testing custom profiles. */
export type ProviderName = "fluz" | "toggle" | "braintree" | "acme";

/**
 * Starts a sandbox on 127.0.0.1 only.
 *
 * Rejects with a `TypeError` that contains the key if an option is invalid, with an `Error` that contains the install
 * command if `graphql` or `graphql-yoga` is missing, and with Node's own error if the port is in use.
 *
 * @example
 * import { startSandbox } from "graphql-token-manager/testing";
 *
 * const sandbox = await startSandbox({ lifetimes: { fluz: 10_000 } });
 * const response = await fetch(sandbox.fluz.endpoint, {
 *   method: "POST",
 *   headers: { "Content-Type": "application/json", Authorization: `Basic ${sandbox.fluz.apiKey}` },
 *   body: JSON.stringify({ query: "{ marco }" }),
 * });
 * console.log(await response.text()); // {"data":{"marco":"polo"},"extensions":{"requestId":"…"}}
 * await sandbox.close();
 */
export function startSandbox(options?: SandboxOptions): Promise<Sandbox>;

/**
 * Checks whether a custom store behaves as required. Takes a few seconds.
 *
 * Optional methods of {@link TokenStore} that are missing (`acquire`, `watch`) are not checked. Keys start with
 * `check-`.
 *
 * @param open returns another holder of the same entries at each call, as in another process
 * @throws {Error} with one line for each failed check
 *
 * @example
 * ```ts
 * import { checkStore } from "graphql-token-manager/testing";
 * import type { TokenStore } from "graphql-token-manager";
 *
 * declare function myStore(): TokenStore;
 * await checkStore(() => myStore());
 * ```
 */
export function checkStore(
  open: () => TokenStore | Promise<TokenStore>,
  options?: StoreCheckOptions,
): Promise<void>;

/** Returns the same checks one by one, for any test runner. */
export function storeChecks(
  open: () => TokenStore | Promise<TokenStore>,
  options?: StoreCheckOptions,
): StoreCheck[];

export interface StoreCheckOptions {
  /**
   * Time limit for a change of one holder to become visible to another.
   *
   * @defaultValue 10000 ms
   */
  timeoutMs?: number | undefined;
}

export interface StoreCheck {
  /** The required behaviour, as a sentence. */
  readonly name: string;
  /** Rejects with a description of the incorrect behaviour. */
  run(): Promise<"passed" | "not applicable">;
}

export interface SandboxOptions {
  /** Port to listen on, 0 to 65535. Default 0: any free port, which `sandbox.url` contains. */
  port?: number;

  /** Lifetimes of access tokens. */
  lifetimes?: SandboxLifetimes;

  /** The interpretations that the sandbox follows where the documentation is unclear or contradictory. */
  variants?: SandboxVariants;

  /** Faults that are active from the start, as if `fault` were called with each. Default none. */
  faults?: readonly FaultSpec[];

  /**
   * Lets pages of other origins read the response headers X-Authorization, Authorization, Date and Retry-After
   * (`Access-Control-Expose-Headers`). Requests from any origin are allowed in any case. Default true.
   */
  exposeHeaders?: boolean;

  /**
   * The server's clock, in milliseconds since the Unix epoch: for issuing and expiring tokens, for the `Date` header
   * and for the log. A test can simulate an hour without waiting for it. Delays do not follow it. Default `Date.now`.
   */
  now?: () => number;
}

/**
 * Lifetimes of access tokens: integers in milliseconds, from 1 to 3,153,600,000,000 (100 years).
 *
 * The server enforces them to the millisecond, from the time of issue by its clock.
 */
export interface SandboxLifetimes {
  /** Default 600,000: 10 minutes, as in Fluz's own sandbox. Fluz's production environment has 3 minutes. */
  fluz?: number;
  /** Default 3,600,000: Toggle's 60 minutes. */
  toggle?: number;
  /** Default 3,600,000, chosen for the sandbox: Braintree documents no lifetime, only `expiresAt` of the response. */
  braintree?: number;
  /** Default 300,000. */
  acme?: number;
}

export interface SandboxVariants {
  fluz?: FluzVariants;
  toggle?: ToggleVariants;
  braintree?: BraintreeVariants;
}

/** Names that are not selected do not exist in the schema: using one is a validation error. */
export interface FluzVariants {
  /**
   * Field of the access token. Default `"token"`, as in every documented response; `"accessToken"` is selected by
   * newer samples.
   */
  tokenField?: "token" | "accessToken";
  /**
   * Argument of `refreshUserAccessToken`. Default `"refreshToken"`; the documentation passes the refresh token as
   * `"userId"`. `"absent"`: the mutation does not exist.
   */
  refreshArgument?: "refreshToken" | "userId" | "absent";
  /**
   * Refresh token rotation: each refresh returns a new refresh token and invalidates the presented one. If a refresh
   * token is presented a second time, it is rejected, and all access and refresh tokens of its grant are revoked.
   * Default true, the stricter interpretation; with false, the response repeats the refresh token.
   */
  rotation?: boolean;
  /**
   * HTTP status of a response that rejects a token (code AUTH-0008) without executing any part of the operation.
   * Default 401; the documentation does not specify it.
   */
  unauthorizedStatus?: 200 | 401;
}

/** Names that are not selected do not exist in the schema: using one is a validation error. */
export interface ToggleVariants {
  /** Query for logging in. Default `"loginUser"`; one copy of the documentation has `"LoginUser"`. */
  field?: "loginUser" | "LoginUser";
  /** Response headers that contain a token, including rotated ones. Default `"both"`. */
  header?: "x-authorization" | "authorization" | "both";
  /** Prefixes the header's value with `Bearer `. Default false. */
  bearerPrefix?: boolean;
  /**
   * Ordinary responses that contain a new token: all of them, those to a token in the last quarter of its lifetime, or
   * none. Default `"near-expiry"`.
   */
  sliding?: "every" | "near-expiry" | "never";
  /** Revokes a token as soon as it is rotated. Default false: it is valid until it expires. */
  slidingRevokes?: boolean;
  /** HTTP status of "Unauthorized". Default 403; the documentation does not specify it. */
  unauthorizedStatus?: 200 | 403;
}

export interface BraintreeVariants {
  /**
   * Format of `expiresAt`: `"iso"` 2030-01-31T12:00:00.000Z, `"offset"` 2030-01-31T17:30:00.000+05:30, `"epoch"`
   * seconds since 1970 as digits (milliseconds if the lifetime is not a multiple of a second), `"absent"` null.
   * Default `"iso"`.
   */
  expiresAt?: "iso" | "offset" | "epoch" | "absent";
}

/** An injected fault, distinguished by `kind`. */
export type FaultSpec =
  | DelayFault
  | DropFault
  | TruncateFault
  | StatusFault
  | HtmlFault
  | InvalidJsonFault
  | DateFault
  | OmitDateFault
  | NarrowFault
  | NoTokenFault
  | BadTokenFault
  | OversizeFault;

export type FaultKind = FaultSpec["kind"];

/**
 * Properties of all faults.
 *
 * Several faults may be active. A request passes the following steps; at each, only the oldest active fault that
 * matches is applied:
 *
 * 1. `delay` with `when: "before"`
 * 2. `drop` with `when: "before"`
 * 3. `status` or `html`: replaces the response; the operation is not executed
 * 4. the operation is executed, with `narrow`
 * 5. `no-token` or `bad-token`
 * 6. `oversize` or `invalid-json`
 * 7. `date` or `omit-date`
 * 8. `delay` with `when: "after"`
 * 9. `drop` with `when: "after"`
 * 10. `truncate`
 *
 * Two faults of one step therefore apply to successive requests, if the older one has `times`.
 */
export interface FaultScope {
  /** Restricts the fault to requests to this API. Default all. */
  provider?: ProviderName;
  /**
   * Restricts the fault to operations that call this root field, under any alias, e.g. `"generateUserAccessToken"`.
   * Default all.
   */
  operation?: string;
  /**
   * Number of requests to which the fault applies, 1 or more; other requests do not count. Default all until it is
   * removed.
   */
  times?: number;
}

/** Delays the request. */
export interface DelayFault extends FaultScope {
  kind: "delay";
  /** Milliseconds, 0 to 2,147,483,647. */
  ms: number;
  /** Before the operation is executed, or after it and before the response is sent. Default `"before"`. */
  when?: "before" | "after";
}

/**
 * Closes the connection without a response.
 *
 * Browsers retry a request themselves if a reused connection is closed; do not use `times: 1` there.
 */
export interface DropFault extends FaultScope {
  kind: "drop";
  /**
   * Before the operation is executed, or after it: then a token was issued that the client never receives. Default
   * `"before"`.
   */
  when?: "before" | "after";
}

/** Executes the operation, announces the full length of the response, sends half of it and closes the connection. */
export interface TruncateFault extends FaultScope {
  kind: "truncate";
}

/** Responds with this status; the operation is not executed. */
export interface StatusFault extends FaultScope {
  kind: "status";
  /** 200 to 599. */
  status: number;
  /** `Retry-After`: an integer in seconds, or an HTTP date, sent unchanged. By default, the header is not sent. */
  retryAfter?: number | string;
  /**
   * Body; sent as JSON if it starts with a brace or bracket, otherwise as HTML. Default an HTML page that contains the
   * status.
   */
  body?: string;
}

/** Responds with 200 and an HTML page, like a captive portal; the operation is not executed. */
export interface HtmlFault extends FaultScope {
  kind: "html";
}

/** Executes the operation, and appends a brace to the response, which makes it invalid JSON. */
export interface InvalidJsonFault extends FaultScope {
  kind: "invalid-json";
}

/** Shifts the `Date` header. Tokens and their claims still follow the server's clock. */
export interface DateFault extends FaultScope {
  kind: "date";
  /** Integer in milliseconds, negative for the past. */
  offsetMs: number;
}

/** Omits the `Date` header. */
export interface OmitDateFault extends FaultScope {
  kind: "omit-date";
}

/** Grants only these scopes, at Fluz and Braintree. Applies to operations that issue a token, including refreshes. */
export interface NarrowFault extends FaultScope {
  kind: "narrow";
  scopes: readonly string[];
}

/**
 * Removes the access token from the response: null in its field, or no header.
 *
 * Applies to responses that contain a new token, including rotated ones. The token was issued, and is counted.
 */
export interface NoTokenFault extends FaultScope {
  kind: "no-token";
}

/** Replaces the access token in the response. Applies to the same responses as `no-token`. */
export interface BadTokenFault extends FaultScope {
  kind: "bad-token";
  /**
   * The replacement of the token. For Toggle (or without `provider`) it must be a valid value of an HTTP header: no
   * control characters except the tab, no characters beyond Latin-1; HTTP removes spaces at its ends.
   */
  value: string;
}

/** Executes the operation, and adds `extensions.padding` to the response. */
export interface OversizeFault extends FaultScope {
  kind: "oversize";
  /** Length of the padding in bytes, 1 to 67,108,864. Default 2,097,152. */
  bytes?: number;
}

/**
 * A running sandbox.
 *
 * Credentials are the same at every start, so that they can be stored in an `.env` file; they are not valid anywhere
 * else.
 */
export interface Sandbox extends AsyncDisposable {
  /** `http://127.0.0.1:` and the port. */
  readonly url: string;
  readonly fluz: FluzSandbox;
  readonly toggle: ToggleSandbox;
  readonly braintree: BraintreeSandbox;
  readonly acme: AcmeSandbox;

  /**
   * Returns the newest 1,000 requests, oldest first, without secrets. Requests to other paths and preflight requests
   * are not included.
   */
  requests(): SandboxRequest[];

  /** Returns the counts since the start. */
  counts(): SandboxCounts;

  /** Adds a fault that applies from now on. Returns a function that removes it. */
  fault(spec: FaultSpec): () => void;

  /**
   * Revokes an access or refresh token, or all that were issued so far. Other tokens of the same grant remain valid.
   *
   * Returns the number of tokens removed, including expired ones; 0 for an unknown token.
   */
  revoke(token?: string): number;

  /** Stops listening and closes all connections at once. May be called again. */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

export interface FluzSandbox {
  readonly endpoint: string;
  /** The API key as Fluz provides it: the Base64 form of `app_id:app_secret`, sent unchanged after `Basic `. */
  readonly apiKey: string;
  /** A user; any other UUID is accepted as well. */
  readonly userId: string;
  /** An account; any other UUID is accepted as well. */
  readonly accountId: string;
}

export interface ToggleSandbox {
  readonly endpoint: string;
  /** The same user as `email`. */
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

export interface BraintreeSandbox {
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * A fictitious API for testing a custom `Profile`: `mutation login(id: ID!, secret: String!) { jwt renewal ttl }`
 * (`ttl` in seconds), `mutation renew(refresh: String!) { jwt renewal ttl }` (each `renewal` is valid once), and
 * `query me { id }`, which requires `Authorization: Bearer <jwt>`. Rejections have HTTP status 401 and
 * `errors[].extensions.code` `"UNAUTHENTICATED"`.
 */
export interface AcmeSandbox {
  readonly endpoint: string;
  readonly id: string;
  readonly secret: string;
}

export interface SandboxRequest {
  /** Time of arrival, in milliseconds since the Unix epoch by the sandbox's clock. */
  at: number;
  provider: ProviderName;
  /** The root fields of the operation, without aliases, joined by commas; empty if the document could not be parsed. */
  operation: string;
  /** HTTP status of the response; 0 before it is sent, and if the connection was closed instead. */
  status: number;
  /** Kinds of the applied faults, in order, joined by `+`. */
  fault?: string;
}

export type SandboxCounts = Record<ProviderName, ProviderCounts>;

export interface ProviderCounts {
  /** Access tokens issued for credentials: an API key, a password, a client secret. */
  grants: number;
  /** Access tokens issued for a refresh token, or by token rotation. */
  refreshes: number;
  /** Requests in which a token authorized at least one field. */
  calls: number;
  /**
   * Requests in which at least one field, or the whole request, was rejected because of its credentials, refresh
   * token, access token or scopes. Responses of `status` faults do not count.
   */
  refused: number;
  /**
   * Number of times that a used refresh token was presented again, which revokes the grant if refresh tokens rotate.
   * Such requests count as refused, too.
   */
  reused: number;
}
