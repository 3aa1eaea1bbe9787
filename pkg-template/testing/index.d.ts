/// <reference lib="esnext.disposable" preserve="true" />

/**
 * A local GraphQL server that behaves as Fluz, Toggle and Braintree document, for tests and for trying programs out.
 *
 * Needs the packages `graphql` and `graphql-yoga`, which are optional peer dependencies:
 * `npm install --save-dev graphql graphql-yoga`.
 *
 * @packageDocumentation
 */

import type { TokenStore } from "graphql-token-manager";

/** The APIs that the sandbox has. `acme` is no real one: it is for trying profiles of one's own. */
export type ProviderName = "fluz" | "toggle" | "braintree" | "acme";

/**
 * Starts a sandbox on 127.0.0.1, and nowhere else.
 *
 * Rejects with a `TypeError` that names the key if an option is wrong, with an `Error` that names the install command if
 * `graphql` or `graphql-yoga` is missing, and with Node's own error if the port is taken.
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
 * Checks whether a store of your own does what stores promise; takes a few seconds.
 *
 * What {@link TokenStore} leaves out (`acquire`, `watch`) is not checked. Keys start with `check-`.
 *
 * @param open gives another holder of the same entries each time, as another process would be
 * @throws {Error} one line for each promise that is not kept
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

/** The same, one by one, for a test runner of your choice. */
export function storeChecks(
  open: () => TokenStore | Promise<TokenStore>,
  options?: StoreCheckOptions,
): StoreCheck[];

export interface StoreCheckOptions {
  /**
   * How long to wait for what holders are to see of each other.
   *
   * @defaultValue 10000 ms
   */
  patienceMs?: number | undefined;
}

export interface StoreCheck {
  /** The promise, as a sentence. */
  readonly name: string;
  /** Rejects with what is not as it should be. */
  run(): Promise<"passed" | "not applicable">;
}

export interface SandboxOptions {
  /** Port to listen on, 0 to 65535. Default 0: any free one; `sandbox.url` says which. */
  port?: number;

  /** How long access tokens are accepted. */
  lifetimes?: SandboxLifetimes;

  /** Which of the readings of an unclear or contradictory documentation the sandbox follows. */
  variants?: SandboxVariants;

  /** Faults that are active from the start; the same as calling `fault` with each. Default none. */
  faults?: readonly FaultSpec[];

  /**
   * Whether pages of other origins may read the response headers X-Authorization, Authorization, Date and Retry-After
   * (`Access-Control-Expose-Headers`). Requests from any origin are allowed either way. Default true.
   */
  exposeHeaders?: boolean;

  /**
   * The server's clock, in milliseconds since the Unix epoch: for issuing and expiring tokens, for the `Date` header and
   * for the log. Lets a test pass an hour without waiting for it. Delays do not follow it. Default `Date.now`.
   */
  now?: () => number;
}

/**
 * Lifetimes of access tokens, in whole milliseconds, from 1 to 3,153,600,000,000 (a hundred years).
 *
 * The server enforces them to the millisecond, from its own time of issue.
 */
export interface SandboxLifetimes {
  /** Default 600,000: the ten minutes of Fluz's own sandbox. Fluz's production has three minutes. */
  fluz?: number;
  /** Default 3,600,000: Toggle's sixty minutes. */
  toggle?: number;
  /** Default 3,600,000. A choice: Braintree documents no lifetime, only the answer's `expiresAt`. */
  braintree?: number;
  /** Default 300,000. */
  acme?: number;
}

export interface SandboxVariants {
  fluz?: FluzVariants;
  toggle?: ToggleVariants;
  braintree?: BraintreeVariants;
}

/** A spelling that is not selected does not exist in the schema: using it is a validation error. */
export interface FluzVariants {
  /**
   * Field of the access token. Default `"token"`, which every printed answer has; `"accessToken"` is what newer samples
   * select.
   */
  tokenField?: "token" | "accessToken";
  /**
   * Argument of `refreshUserAccessToken`. Default `"refreshToken"`; the page passes the refresh token as `"userId"`.
   * `"absent"`: the mutation does not exist.
   */
  refreshArgument?: "refreshToken" | "userId" | "absent";
  /**
   * Whether each refresh gives a new refresh token and ends the one it was asked with. A refresh token that comes a
   * second time is refused, and every access and refresh token of its grant with it. Default true, the stricter reading;
   * with false the answer repeats the refresh token.
   */
  rotation?: boolean;
  /**
   * HTTP status where a token is refused (code AUTH-0008) and nothing of the operation was carried out. Default 401; the
   * documentation does not tell.
   */
  unauthorizedStatus?: 200 | 401;
}

/** A spelling that is not selected does not exist in the schema: using it is a validation error. */
export interface ToggleVariants {
  /** Query that logs in. Default `"loginUser"`; one copy of the page has `"LoginUser"`. */
  field?: "loginUser" | "LoginUser";
  /** Response headers that carry a token, renewed ones too. Default `"both"`. */
  header?: "x-authorization" | "authorization" | "both";
  /** Whether the header's value starts with `Bearer `. Default false. */
  bearerPrefix?: boolean;
  /**
   * Which answers to ordinary operations carry a new token: each, those to a token in the last quarter of its lifetime,
   * or none. Default `"near-expiry"`.
   */
  sliding?: "every" | "near-expiry" | "never";
  /** Whether a token ends at once when it was renewed by sliding. Default false: it ends when it expires. */
  slidingRevokes?: boolean;
  /** HTTP status of "Unauthorized". Default 403; the documentation does not tell. */
  unauthorizedStatus?: 200 | 403;
}

export interface BraintreeVariants {
  /**
   * How `expiresAt` is written: `"iso"` 2030-01-31T12:00:00.000Z, `"offset"` 2030-01-31T17:30:00.000+05:30, `"epoch"`
   * seconds since 1970 as digits (milliseconds where the lifetime is no multiple of a second), `"absent"` null.
   * Default `"iso"`.
   */
  expiresAt?: "iso" | "offset" | "epoch" | "absent";
}

/** Something that goes wrong on purpose, told apart by `kind`. */
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
 * What all faults have.
 *
 * Several may be active. A request passes these steps, and at each the oldest active fault that matches applies, alone:
 *
 * 1. `delay` with `when: "before"`
 * 2. `drop` with `when: "before"`
 * 3. `status` or `html`: answers instead of the provider; the operation is not executed
 * 4. the operation is executed, with `narrow`
 * 5. `no-token` or `bad-token`
 * 6. `oversize` or `invalid-json`
 * 7. `date` or `omit-date`
 * 8. `delay` with `when: "after"`
 * 9. `drop` with `when: "after"`
 * 10. `truncate`
 *
 * Two faults of one step therefore follow each other, request by request, if the older has `times`.
 */
export interface FaultScope {
  /** Only requests to this API. Default all. */
  provider?: ProviderName;
  /** Only operations that call this root field, whatever its alias, e.g. `"generateUserAccessToken"`. Default all. */
  operation?: string;
  /** How many requests it applies to, 1 or more; those it does not apply to do not count. Default all until taken back. */
  times?: number;
}

/** Lets the request wait. */
export interface DelayFault extends FaultScope {
  kind: "delay";
  /** Milliseconds, 0 to 2,147,483,647. */
  ms: number;
  /** Before the operation is executed, or after it and before the answer is sent. Default `"before"`. */
  when?: "before" | "after";
}

/**
 * Cuts the connection without an answer.
 *
 * Browsers send a request again by themselves where a connection that was used before is cut; use no `times: 1` there.
 */
export interface DropFault extends FaultScope {
  kind: "drop";
  /** Before the operation is executed, or after it: then a token was issued that nobody learns of. Default `"before"`. */
  when?: "before" | "after";
}

/** Executes the operation, announces the whole length of the answer, sends half of it and ends the connection. */
export interface TruncateFault extends FaultScope {
  kind: "truncate";
}

/** Answers with this status; the operation is not executed. */
export interface StatusFault extends FaultScope {
  kind: "status";
  /** 200 to 599. */
  status: number;
  /** `Retry-After`: whole seconds, or an HTTP date, sent as it is. Default no such header. */
  retryAfter?: number | string;
  /** Body; sent as JSON if it starts with a brace or bracket, else as HTML. Default an HTML page that names the status. */
  body?: string;
}

/** Answers 200 with an HTML page, as a captive portal does; the operation is not executed. */
export interface HtmlFault extends FaultScope {
  kind: "html";
}

/** Executes the operation, and appends a brace to the answer, so that it is no JSON. */
export interface InvalidJsonFault extends FaultScope {
  kind: "invalid-json";
}

/** Shifts the `Date` header. Tokens and their claims keep to the server's clock. */
export interface DateFault extends FaultScope {
  kind: "date";
  /** Whole milliseconds, negative for the past. */
  offsetMs: number;
}

/** Leaves the `Date` header out. */
export interface OmitDateFault extends FaultScope {
  kind: "omit-date";
}

/** Grants no scopes but these, at Fluz and Braintree. Applies to operations that issue a token, refreshing included. */
export interface NarrowFault extends FaultScope {
  kind: "narrow";
  scopes: readonly string[];
}

/**
 * Answers without the access token: null in its field, or no header.
 *
 * Applies to answers that carry a new token, sliding ones included. The token was issued, and is counted.
 */
export interface NoTokenFault extends FaultScope {
  kind: "no-token";
}

/** Answers with another access token. Applies where `no-token` does. */
export interface BadTokenFault extends FaultScope {
  kind: "bad-token";
  /**
   * What stands in the token's place. For Toggle (or without `provider`) it must fit into an HTTP header: no control
   * characters but the tab, nothing beyond Latin-1; and HTTP drops spaces at its ends.
   */
  value: string;
}

/** Executes the operation, and adds `extensions.padding` to the answer. */
export interface OversizeFault extends FaultScope {
  kind: "oversize";
  /** Length of the padding in bytes, 1 to 67,108,864. Default 2,097,152. */
  bytes?: number;
}

/**
 * A running sandbox.
 *
 * Credentials are the same at every start, so that they can be kept in an `.env` file; they open nothing else.
 */
export interface Sandbox extends AsyncDisposable {
  /** `http://127.0.0.1:` and the port. */
  readonly url: string;
  readonly fluz: FluzSandbox;
  readonly toggle: ToggleSandbox;
  readonly braintree: BraintreeSandbox;
  readonly acme: AcmeSandbox;

  /** The newest 1,000 requests, oldest first. No secrets. Requests to other paths and preflights are not listed. */
  requests(): SandboxRequest[];

  /** What happened since the start. */
  counts(): SandboxCounts;

  /** Makes something go wrong from now on. Returns a function that takes it back. */
  fault(spec: FaultSpec): () => void;

  /**
   * Ends an access or refresh token, or all that were issued so far. Others of the same grant go on.
   *
   * Returns how many tokens were forgotten, expired ones included; 0 for one that the sandbox does not know.
   */
  revoke(token?: string): number;

  /** Stops listening and cuts all connections, at once. May be called again. */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

export interface FluzSandbox {
  readonly endpoint: string;
  /** As Fluz hands it out: the Base64 form of `app_id:app_secret`, sent as it is after `Basic `. */
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
 * An API of one's own, for trying a `Profile`:
 * `mutation login(id: ID!, secret: String!) { jwt renewal ttl }` (`ttl` in seconds),
 * `mutation renew(refresh: String!) { jwt renewal ttl }` (each `renewal` works once), and `query me { id }`, which wants
 * `Authorization: Bearer <jwt>`. What is refused gives HTTP 401 and `errors[].extensions.code` `"UNAUTHENTICATED"`.
 */
export interface AcmeSandbox {
  readonly endpoint: string;
  readonly id: string;
  readonly secret: string;
}

export interface SandboxRequest {
  /** When it arrived, in milliseconds since the Unix epoch by the sandbox's clock. */
  at: number;
  provider: ProviderName;
  /** Root fields that it calls, without aliases, joined by commas; empty if the document could not be read. */
  operation: string;
  /** HTTP status of the answer; 0 while there is none, and if the connection was cut instead. */
  status: number;
  /** Kinds of the faults that applied, in their order, joined by `+`. */
  fault?: string;
}

export type SandboxCounts = Record<ProviderName, ProviderCounts>;

export interface ProviderCounts {
  /** Access tokens issued for credentials: an API key, a password, a client secret. */
  grants: number;
  /** Access tokens issued for a refresh token, or renewed by sliding. */
  refreshes: number;
  /** Requests in which a token authorised at least one field. */
  calls: number;
  /**
   * Requests in which at least one field, or the whole, was refused for its credentials, refresh token, access token or
   * scopes. Answers of `status` faults do not count.
   */
  refused: number;
  /**
   * Times that a refresh token was presented which had been spent: what logs its holder out, where refresh tokens rotate.
   * Such requests count as refused, too.
   */
  reused: number;
}
