/**
 * Options of a manager: those common to all, and those of each provider.
 *
 * @packageDocumentation
 */

import type { TokenError } from "./errors.js";
import type { GrantProfile, OAuthProfile, Profile, ProfileBase, SessionSecret } from "./profile.js";
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
   * allowed: the manager sets them. A function returns a secret, for each grant and each request; what it returns is never
   * quoted.
   */
  headers?: Record<string, Secret> | undefined;
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
export type ProfileOptions = Omit<CommonOptions, "headers"> & {
  /** As {@link CommonOptions.headers}, with functions that receive the selector of the session. */
  headers?: Record<string, SessionSecret> | undefined;
  /** The description of the API, as data or with a function that acquires tokens. */
  provider: Profile | OAuthProfile | GrantProfile;
  /** The scopes to request: the value of `"$scopes"` in variables, or passed to the `grant` function. */
  scopes?: readonly string[] | undefined;
};
