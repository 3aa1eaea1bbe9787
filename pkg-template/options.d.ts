/**
 * Options of a manager: providers, other APIs, and the options common to all.
 *
 * @packageDocumentation
 */

import type { Selector, TokenError } from "./index.js";
import type { BraintreeScope, FluzScope } from "./scopes.js";
import type { TokenStore } from "./store.js";

/**
 * The options of a manager, distinguished by `provider`. Unknown keys are rejected.
 *
 * They are copied when the manager is created: plain objects and arrays recursively, each member read once. Functions
 * and the methods of a store are kept as they are at that time. Later changes to the objects have no effect.
 */
export type TokenManagerOptions =
  FluzOptions | ToggleOptions | BraintreeOptions | BrokerProviderOptions | ProfileOptions;

/** The names of the built-in providers. */
export type BuiltinProvider = "fluz" | "toggle" | "braintree";

/**
 * A secret: a string, or a function that is called for each grant, so that the secret can come from a vault and be
 * rotated. A function must return within `timeoutMs`. With a `store` and without `identity`, it is called once more,
 * before the store is first read.
 */
export type Secret = string | (() => string | Promise<string>);

/** Options of every provider. */
export interface CommonOptions {
  /**
   * URL to which grants are sent: `https:`, without user name and password; `http:` only for loopback, unless
   * `allowInsecure` is set.
   *
   * @defaultValue the provider's own for the environment
   */
  endpoint?: string | undefined;
  /**
   * The lifetime of a token if the response does not state it. If both are known, the earlier end counts (Braintree:
   * only the response counts). If the response states a point in time that has passed by a clock that may be wrong,
   * this lifetime is used; without this option, such a token counts as expired.
   *
   * @defaultValue Fluz: 600 000 in the sandbox, 180 000 in production; Toggle, Braintree: 3 600 000;
   * a profile, a broker: 300 000
   */
  lifetimeMs?: number | undefined;
  /**
   * When a timer refreshes the token: `"always"`, as long as the manager lives; `"while-used"`, if the token was
   * requested since the last refresh; `"on-demand"`, never: calls near the end of the lifetime start the refresh, and
   * receive the cached token.
   *
   * @defaultValue "always"
   */
  refresh?: "always" | "while-used" | "on-demand" | undefined;
  /**
   * The last part of the lifetime, in which the token is refreshed: a fraction from 0 to 0.9, limited to five minutes.
   * Jitter starts it earlier by up to a tenth; it is widened if `minValidityMs` would otherwise make callers wait.
   *
   * @defaultValue 0.25
   */
  refreshWindow?: number | undefined;
  /**
   * Minimum remaining validity: a token with less is not returned while a new one can be acquired. At least 0; limited
   * to three quarters of the lifetime.
   *
   * @defaultValue an eighth of the lifetime, at most 10 000
   */
  minValidityMs?: number | undefined;
  /**
   * Time limit of one grant request, including its body, and of one call of a secret or `grant` function. At least 1.
   * A request that has not ended a second after that counts as stopped with its page or context, and another replaces
   * it.
   *
   * @defaultValue 10 000
   */
  timeoutMs?: number | undefined;
  /** Retry policy for transient failures. */
  retry?: RetryOptions | undefined;
  /**
   * Replaces the global `fetch`: for grants, with a URL and a plain `init` (a string as the body, `redirect:
   * "manual"`); for {@link TokenManager.fetch}, with its arguments; and for {@link TokenManager.request}.
   *
   * @defaultValue the global `fetch`
   */
  fetch?: FetchLike | undefined;
  /**
   * Added to grant requests and to those of {@link TokenManager.request}. `Authorization` and `Content-Type` are not
   * allowed: the manager sets them.
   */
  headers?: Record<string, string> | undefined;
  /**
   * Origins to which {@link TokenManager.fetch} may send the token in addition to the endpoint's: origins, or URLs of
   * which the origin is used; each in full, without `*`. Their responses may reject the token, but not replace it.
   *
   * @defaultValue none
   */
  origins?: readonly string[] | undefined;
  /**
   * Permits an `http:` endpoint that is not loopback. Secrets are then sent over the network unencrypted.
   *
   * @defaultValue false
   */
  allowInsecure?: boolean | undefined;
  /**
   * Reports each step as one line: `true` by `console.debug`, a function receives it. A line has the time, the step, the
   * session, durations in ms and codes, and no token, no secret and no address; of a selector, only ids and scopes of
   * the built-in providers are shown. Exceptions of the function are ignored. Without the option, the environment
   * variable `GTM_DEBUG=1` prints the lines to standard error (Node, Deno, Bun).
   *
   * @defaultValue false
   */
  debug?: boolean | ((line: string) => unknown) | undefined;
  /**
   * Node, Deno, Bun: makes the refresh timer keep the process running. Waiting callers always do.
   *
   * @defaultValue false
   */
  keepAlive?: boolean | undefined;
  /**
   * Cloudflare Workers and edge runtimes, in which I/O ends with the request that started it: keeps the current
   * request alive until the promise has settled, like `waitUntil` of `cloudflare:workers`. A refresh before the expiry
   * then continues after the response; without this option, the request that starts it waits for it. Called
   * synchronously in the request that needs a token, with a promise that never rejects; exceptions are ignored. Not
   * called elsewhere.
   */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * The store in which the token is shared with other holders: tabs, processes or machines. Together they send one
   * grant, and renew the token for each other. The key is a SHA-256 digest of everything that determines the token:
   * endpoint, credentials, variables, headers, scopes and {@link CommonOptions.identity}. Managers with different
   * credentials never share a record. With read access to the store's keys, guesses of a weak password can be tested
   * against them.
   *
   * A secret function is called once more, before the store is first read, unless `identity` is given: its value at
   * that time determines the key as long as the manager lives, and a later value is assumed to belong to the same
   * owner. Until it has returned a value, callers receive `credentials_unavailable`, and the store is not used.
   *
   * The order of operations is: acquire the lease, read again, send the grant, write, release. A refresh token is
   * removed from the store before it is presented. If the store fails or is slow, the token is not shared, but still
   * acquired; a `warning` with code `store` is emitted, and the store is tried again.
   *
   * @defaultValue the manager's memory
   */
  store?: TokenStore | undefined;
  /**
   * Time limit of one call of the store, in milliseconds.
   *
   * @defaultValue 5_000
   */
  storeTimeoutMs?: number | undefined;
  /**
   * The owner of the credentials, for example the id of the tenant or the user, as part of the key in a `store`:
   * managers share tokens only if it is equal. It replaces the values of secret functions in that key, which are then
   * called for grants only; secrets given as strings remain part of it. At most 256 bytes of UTF-8, not empty; only
   * its digest is written.
   *
   * Required with a `store` if the manager cannot compare credentials: with a `grant` function, with the provider
   * `"broker"`, and with a profile that sends no secret, variable or header of its own. Without it, these are rejected
   * with `invalid_options`. Anything that the option `fetch` adds to requests is unknown to the manager: if that
   * determines the owner of the token, set `identity`.
   */
  identity?: string | undefined;
  /**
   * Whether errors quote those of the response: the first one in `message`, and of a failed grant all in `providerErrors`.
   * Credentials and tokens are removed from them. Variables of {@link TokenManager.request} are not, because the manager
   * cannot tell which are confidential; with `false`, nothing is quoted.
   *
   * @defaultValue `true`
   */
  quoteErrors?: boolean | undefined;
  /** The limits of {@link TokenManager.session}. */
  sessions?: SessionOptions | undefined;
}

/** Limits on the number and idle time of sessions. */
export interface SessionOptions {
  /**
   * Maximum number of sessions, not counting the manager's own. Beyond it, the least recently used are evicted, except
   * those that are acquiring a token. An integer from 1 to 10 000 000.
   *
   * @defaultValue 10 000
   */
  max?: number | undefined;
  /**
   * Time after which an unused session is evicted; up to a sixteenth longer. At least 1.
   *
   * @defaultValue 900 000
   */
  idleMs?: number | undefined;
  /**
   * Maximum number of grants in flight, over all sessions. Queued grants with waiting callers precede background
   * refreshes, and those with the earliest expiry precede others. Until the manager's credentials have returned a
   * token, at most two are sent, and one more after each failure that is not a rejection, because wrong credentials
   * must be presented at most twice in total. An integer from 1 to 10 000.
   *
   * @defaultValue 32
   */
  maxConcurrentGrants?: number | undefined;
}

/** The part of `fetch` that is used. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** Retry policy for transient failures. `Retry-After` is respected. */
export interface RetryOptions {
  /**
   * Number of requests including the first: an integer from 1 to 100.
   *
   * @defaultValue 3
   */
  attempts?: number | undefined;
  /**
   * The first delay; each further one is twice as long, and half of it is jittered. At least 1.
   *
   * @defaultValue 1 000
   */
  baseMs?: number | undefined;
  /**
   * The longest delay. If `Retry-After` is longer, waiting callers reject with `rate_limited` at once, and no request
   * is sent until then. At least `baseMs`.
   *
   * @defaultValue 30 000
   */
  maxMs?: number | undefined;
}

/** Fluz: `generateUserAccessToken` and `refreshUserAccessToken`. */
export type FluzOptions = CommonOptions & {
  /** Selects this provider. */
  provider: "fluz";
  /** The service to use; optional if `endpoint` is given. */
  environment?: "sandbox" | "production" | undefined;
  /** The user that the token represents, a UUID. */
  userId: string;
  /** The account that the token represents, a UUID. */
  accountId: string;
  /** The seat for transactions, a UUID; by default, the account's own. */
  seatId?: string | undefined;
  /**
   * The scopes to request, at least one. Request no more than necessary: `requiredScopes` of
   * `graphql-token-manager/scopes` returns those that a document needs.
   */
  scopes: readonly FluzScope[];
  /**
   * `"refresh"`: `refreshUserAccessToken`, with a fallback to `generateUserAccessToken`; `"generate"`: the latter
   * only.
   *
   * @defaultValue "refresh"
   */
  renewal?: "refresh" | "generate" | undefined;
} & (
    | {
        /** The application's id, instead of `apiKey`. */
        appId: string;
        /** The application's secret, instead of `apiKey`. */
        appSecret: Secret;
        apiKey?: undefined;
      }
    // Last, because compilers explain an error by the last member: a missing `apiKey`, not a missing `appId`.
    | {
        /**
         * The application's API key as Fluz displays it. A leading `Basic ` is removed; a plain `id:secret` is
         * encoded.
         */
        apiKey: Secret;
        appId?: undefined;
        appSecret?: undefined;
      }
  );

/** Toggle: `loginUser`, by email address or user name. */
export type ToggleOptions = CommonOptions & {
  /** Selects this provider. */
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
  /** Selects this provider. */
  provider: "braintree";
  /** The service to use; optional if `endpoint` is given. */
  environment?: "sandbox" | "production" | undefined;
  /** The OAuth client's id. */
  clientId: string;
  /** The OAuth client's secret. */
  clientSecret: Secret;
  /**
   * The scopes to request, at least one. Request no more than necessary: `requiredScopes` of
   * `graphql-token-manager/scopes` returns those that a document needs.
   */
  scopes: readonly BraintreeScope[];
  /**
   * Sent as `Braintree-Version`: a date, `YYYY-MM-DD`.
   *
   * @defaultValue "2019-01-01"
   */
  braintreeVersion?: string | undefined;
};

/**
 * A page that receives its tokens from a broker on your own server (`graphql-token-manager/broker`), so that no
 * long-lived secret reaches it. The broker states the lifetime of a token; otherwise, it is five minutes.
 *
 * With a `store`, {@link CommonOptions.identity} is required: the id of the signed-in user, so that the next visitor
 * with the same browser does not receive the token of the previous one.
 */
export type BrokerProviderOptions = CommonOptions & {
  /** Selects this provider. */
  provider: "broker";
  /**
   * The URL of the broker: `https:`, or relative to the page; `http:` only for loopback, unless `allowInsecure` is
   * set.
   */
  url: string;
  /** The API for which the tokens are valid. */
  endpoint: string;
  /**
   * The way in which the API rejects and rotates tokens.
   *
   * @defaultValue `{ refused: { statuses: [401] } }`
   */
  api?:
    | BuiltinProvider
    | Pick<ProfileBase, "present" | "refused" | "throttled" | "unavailable" | "sliding">
    | undefined;
  /**
   * Mode in which cookies are sent to the broker: `"include"` if it has another origin.
   *
   * @defaultValue `"same-origin"`, as `fetch` has it
   */
  credentials?: "same-origin" | "include" | "omit" | undefined;
  /** The scopes to request: no more than the broker permits. By default, all that it permits. */
  scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
};

/** Any other API. */
export type ProfileOptions = CommonOptions & {
  /** The description of the API, as data or with a function that acquires tokens. */
  provider: Profile | OAuthProfile | GrantProfile;
  /** The scopes to request: the value of `"$scopes"` in variables, or passed to the `grant` function. */
  scopes?: readonly string[] | undefined;
};

/** Properties of every description of an API. */
export interface ProfileBase {
  /** Used in messages: at most 40 characters of visible ASCII. */
  name: string;
  /** The URL of the GraphQL API. */
  endpoint: string;
  /**
   * The header in which an ordinary response contains a new token, or several, of which the first that is present
   * counts.
   */
  sliding?: { header: string | readonly string[] } | undefined;
  /**
   * The header of requests that contains the token, and the authentication scheme before it; an empty scheme is none.
   *
   * @defaultValue `{ header: "Authorization", scheme: "Bearer" }`; the scheme of any other header is empty
   */
  present?: { header?: string | undefined; scheme?: string | undefined } | undefined;
  /**
   * The failures by which the API rejects a token, or a grant the credentials.
   *
   * @defaultValue `{ statuses: [401] }`
   */
  refused?: FailureRules | undefined;
  /**
   * The failures by which the API limits the rate of requests.
   *
   * @defaultValue `{ statuses: [429] }`, and the codes `THROTTLED`, `RATE_LIMITED`, `RATE_LIMIT_EXCEEDED`,
   *   `TOO_MANY_REQUESTS`, `STRAPI_RATE_LIMIT_ERROR` and `KT-CT-1199`
   */
  throttled?: FailureRules | undefined;
  /** The failures by which the API reports an outage, besides the statuses 408 and 500 to 599. */
  unavailable?: FailureRules | undefined;
  /**
   * How `revoke()` revokes tokens: an operation, or an endpoint of RFC 7009.
   *
   * In `variables` of the operation, `"$accessToken"` is replaced by the access token and `"$refreshToken"` by the
   * refresh token; each is `null` if there is none that is valid. `{ bearer: "$accessToken" }` authenticates with the
   * access token. The operation must have one of them. A response with `data` and without errors is a success.
   */
  revoke?: Operation | JsonOperation | RevocationEndpoint | undefined;
}

/**
 * A kind of failure. A response is one if it matches any member. A list that is given replaces that of the default, and an
 * empty one matches nothing.
 */
export interface FailureRules {
  /** HTTP statuses. */
  statuses?: readonly number[] | undefined;
  /**
   * Codes of errors, ignoring the case of ASCII letters. They are read from `extensions.code`, `extensions.errorClass`, `code`,
   * `extensions.errorCode`, `extensions.errorType`, `errorType`, `errorCode`, `extensions.name`,
   * `extensions.statusCode`, `extensions.error.name`, `extensions.http.status`, `extensions.response.statusCode`,
   * `extensions.originalError.statusCode`, `extensions.exception.code`, `extensions.exception.name` and `statusCode`. In the response to
   * a grant, also from each payload of `data` and from its `errors`.
   */
  codes?: string | number | readonly (string | number)[] | undefined;
  /** Whole messages of errors, ignoring case and surrounding spaces. */
  messages?: string | readonly string[] | undefined;
  /** Parts of messages of errors, ignoring case. */
  contains?: string | readonly string[] | undefined;
  /**
   * Values in `data`. In a path, `*` stands for each member of an object or item of a list, and a name after a list for that
   * member of each item: `"*.__typename"`, `"login.errors.code"`.
   */
  data?: ExpectedValue | readonly ExpectedValue[] | undefined;
}

/** A value in the `data` of a response, by which a failure is recognized. */
export interface ExpectedValue {
  /** Its path below `data`. */
  path: string;
  /** The value. */
  is: string | number | boolean | null;
}

/**
 * A revocation endpoint (RFC 7009), which receives a form with `token` and `token_type_hint`: one for the refresh token,
 * if there is one, and then one for the access token. A 2xx response is a success.
 */
export interface RevocationEndpoint {
  /**
   * An absolute `https:` URL; `http:` on this machine alone, or with `allowInsecure`. Redirects are not followed. If its
   * origin is not that of `endpoint`, the option `headers` is not sent.
   */
  url: string;
  /** More fields of the form, such as `client_id`, without placeholders; a function returns a secret. */
  parameters?: { readonly [name: string]: string | (() => string | Promise<string>) | undefined } | undefined;
  /**
   * The `Authorization` header, as that of an {@link Operation}.
   *
   * @defaultValue that of `authenticate`, or the client authentication of `oauth` unless `parameters` has a field that starts
   *   with `client_`
   */
  authorization?: Operation["authorization"];
}

/**
 * An API as data. Paths are names and list positions below `data`, separated by dots; of several paths, the first that
 * exists counts.
 */
export interface Profile extends ProfileBase {
  /** The operation that acquires a token with the long-lived credentials. */
  authenticate: Operation | JsonOperation;
  /**
   * The operation that acquires one with a refresh token, or with the access token itself (`"$accessToken"`). By default,
   * `authenticate` is used again.
   */
  renew?: Operation | JsonOperation | undefined;
  /**
   * The failures by which a grant rejects the credentials, besides those of `refused`.
   *
   * @defaultValue `{ statuses: [401, 403] }` (of JSON over HTTP also 400 and 422), `null` instead of a token, and any error of the executed operation that matches
   *   no other rule, except `INTERNAL_SERVER_ERROR`
   */
  denied?: FailureRules | undefined;
  /** The location of the token in a response. A header may start with `Bearer`. */
  token: { data: Path } | { header: string | readonly string[] };
  /** The location of the refresh token. */
  refreshToken?: { data: Path } | undefined;
  /** The location of the granted scopes: a list, or a string with spaces between them. */
  scopes?: { data: Path } | undefined;
  /**
   * The location of the expiry. A JWT's own claims always count as well, and the earlier end is used. `expiresAt` may
   * be ISO 8601, or seconds or milliseconds since the epoch. An unreadable value is a `protocol` error; 0 or less, and
   * a point in time that has passed, mean that the token has expired. The lifetime is limited to ten years.
   */
  expiry:
    | { expiresIn: Path; unit?: "seconds" | "milliseconds" | undefined }
    | { expiresAt: Path }
    | { jwt: true }
    | { lifetimeMs: number };
  /** Added to grant requests. */
  headers?: Record<string, string> | undefined;
}

/** An API with tokens of an OAuth 2.0 token endpoint (RFC 6749). */
export interface OAuthProfile extends ProfileBase {
  /** The token endpoint. A refresh token that it issues is used for the next grant. */
  oauth: OAuthEndpoint;
  /**
   * The failures by which a grant rejects the credentials, besides those of `refused`.
   *
   * @defaultValue the statuses 401 and 403, and the errors `invalid_client`, `invalid_grant`, `unauthorized_client` and
   *   `access_denied`
   */
  denied?: FailureRules | undefined;
  /** Added to grant requests. */
  headers?: Record<string, string> | undefined;
}

/** A token endpoint and a client. */
export interface OAuthEndpoint {
  /** An absolute URL, or one relative to the page. It may have another origin than the API. */
  tokenEndpoint: string;
  /**
   * The grant: `"client_credentials"` (section 4.4), `"password"` (section 4.3, deprecated), or `"refresh_token"`
   * (section 6) for an application that was authorized elsewhere.
   *
   * @defaultValue "client_credentials"
   */
  grant?: "client_credentials" | "password" | "refresh_token" | undefined;
  /** The client's id. */
  clientId: string;
  /** The client's secret. */
  clientSecret?: Secret | undefined;
  /**
   * How the client authenticates (section 2.3.1). `"none"` sends `client_id` alone. An assertion (RFC 7523) is sent with
   * `"none"` and `parameters`.
   *
   * @defaultValue "client_secret_basic" with a secret, and "none" without
   */
  clientAuthentication?: "client_secret_basic" | "client_secret_post" | "none" | undefined;
  /** The user's name, for the grant `"password"`. */
  username?: Secret | undefined;
  /** The user's password, for the grant `"password"`. */
  password?: Secret | undefined;
  /**
   * The first refresh token, for the grant `"refresh_token"`. Later ones come from responses, and are kept in the `store` if
   * there is one. It is read again if the last one was rejected, so a function should return the newest that it knows.
   */
  refreshToken?: Secret | undefined;
  /** More fields of each request, such as `audience`; a function returns a secret. */
  parameters?: { readonly [name: string]: string | (() => string | Promise<string>) | undefined } | undefined;
}

/** A path below `data`, or a list of paths. */
export type Path = string | readonly string[];

/** A GraphQL operation that returns a token. */
export interface Operation extends OperationBase {
  /** The document. */
  document: string;
  /**
   * Its variables: JSON in which a function returns a secret, `"$refreshToken"` is replaced by the refresh token,
   * `"$accessToken"` in `renew` and `revoke` by the access token, and `"$scopes"` by the scopes. Another string that starts
   * with a dollar sign and a letter is `invalid_options`.
   */
  variables?: { readonly [name: string]: VariableValue } | undefined;
}

/** An operation by JSON over HTTP: a `POST` of an object. Paths then start at the body of the response, not at `data`. */
export interface JsonOperation extends OperationBase {
  /** An absolute URL, or one relative to the page. It may have another origin than the API. */
  endpoint: string;
  /** The body, in the form of {@link Operation.variables}. */
  json: { readonly [name: string]: VariableValue };
}

/** What both kinds of operations have. */
export interface OperationBase {
  /**
   * Where it is sent: an absolute URL, or one relative to the page. It may have another origin than the API.
   *
   * @defaultValue the `endpoint` of the API
   */
  endpoint?: string | undefined;
  /**
   * The `Authorization` header: none; `Basic` with credentials that are already encoded, or with a user name and
   * password that are not; `Bearer`. In `renew` and `revoke`, `{ bearer: "$accessToken" }` presents the access token as
   * requests do (`present`); in `renew`, `{ bearer: "$refreshToken" }` presents the refresh token.
   *
   * @defaultValue "none"
   */
  authorization?:
    "none" | { basic: Secret | { username: string; password: Secret } } | { bearer: Secret } | undefined;
}

/** JSON, or a function that returns a secret. */
export type VariableValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | (() => string | Promise<string>)
  | readonly VariableValue[]
  | { readonly [name: string]: VariableValue };

/** An API with a user-supplied function that acquires tokens. */
export interface GrantProfile extends ProfileBase {
  /**
   * Acquires a token. If it throws a {@link TokenError}, that determines whether the grant is retried; anything else
   * is retried.
   */
  grant: (request: GrantRequest) => GrantResult | Promise<GrantResult>;
}

/** The argument of a `grant` function. */
export interface GrantRequest {
  /** The refresh token of the last grant, if it returned one. Passed once. */
  refreshToken: string | undefined;
  /** The scopes to request. */
  scopes: string[];
  /** The selector of the session for which a token is acquired; frozen, and empty for the manager's own. */
  session: Selector;
  /** Aborted when the manager is closed, and after `timeoutMs`. */
  signal: AbortSignal;
}

/** The result of a `grant` function. */
export interface GrantResult {
  /** The token: visible ASCII. */
  accessToken: string;
  /**
   * When it expires: since the epoch, or ISO 8601; in the past if it has expired. An unreadable value is a `protocol`
   * error. Alternative to `expiresInMs`.
   */
  expiresAt?: number | string | Date | undefined;
  /** Its remaining lifetime; 0 or less if it has expired. Alternative to `expiresAt`. */
  expiresInMs?: number | undefined;
  /** For the next grant. By default, the last one is kept. */
  refreshToken?: string | undefined;
  /** The granted scopes, if known: at most 1,000 scopes of at most 256 characters (RFC 6749 section 3.3). */
  scopes?: readonly string[] | undefined;
}
