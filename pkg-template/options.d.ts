/**
 * What a manager is given: providers, other APIs, and what every provider has.
 *
 * @packageDocumentation
 */

import type { Selector, TokenError } from "./index.js";
import type { BraintreeScope, FluzScope } from "./scopes.js";
import type { TokenStore } from "./store.js";

/**
 * The options of a manager, told apart by `provider`. Unknown keys are refused.
 *
 * They are copied when the manager is made: plain objects and arrays with everything in them, each member read once.
 * Functions and a store's methods are kept as they are then. What happens to the objects later has no effect.
 */
export type TokenManagerOptions =
  FluzOptions | ToggleOptions | BraintreeOptions | BrokerProviderOptions | ProfileOptions;

/**
 * A secret: as it is, or a function that is called for each grant, so that it can come from a
 * vault and be rotated. A function has `timeoutMs` to answer. With a `store` and without `identity` it is called once more,
 * before the store is first read.
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
   * end counts (Braintree: what the answer tells alone). Where the answer states a point in time
   * that has passed by a clock which may be wrong, this counts; without it, such a token has expired.
   *
   * @defaultValue Fluz: 600 000 in the sandbox, 180 000 in production; Toggle, Braintree: 3 600 000;
   * a profile, a broker: 300 000
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
   * least 1. A request that has not ended a second after that is taken to have been stopped
   * with its page or context, and another takes its place.
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
   * URLs of which the origin counts; each in full, without `*`. Their answers may refuse the token, and not replace it.
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
   * Cloudflare Workers and edge runtimes, where I/O ends with the request that started it: keeps the current request
   * alive until the promise has settled, as `waitUntil` of `cloudflare:workers` does. A refresh ahead of expiry then goes
   * on after the response; without this option the request that starts it waits for it. Called synchronously in the
   * request that asks for a token, with a promise that never rejects; what it throws is ignored. Not called elsewhere.
   */
  waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
  /**
   * Where the token is shared with other holders: tabs, processes, machines. They cause one grant between them, and
   * renew for each other. The key is a SHA-256 digest of everything that changes the token: endpoint, credentials,
   * variables, headers, scopes and {@link CommonOptions.identity}. Managers with different credentials never share an
   * entry. Whoever can read the store's keys can test guesses of a weak password against them.
   *
   * A secret that is a function is called once more, before the store is first read, unless `identity` is given: its
   * value at that time decides for as long as the manager lives, and a value that replaces it later is taken for the
   * same owner's. Until it has given a value, callers get `credentials_unavailable`, and the store is not used.
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
  /**
   * The owner of the credentials, for example the tenant's or the user's id, as part of the key in a `store`: managers
   * share tokens only where it is the same. It replaces the values of secret functions in that key, which are then called
   * for grants only; secrets given as strings count as well. At most 256 bytes of UTF-8, not empty; only its digest is
   * written.
   *
   * Required beside a `store` where the manager cannot compare credentials: with a `grant` function, with the provider
   * `"broker"`, and with a profile that sends no secret, no variable and no header of its own. Without it these are
   * refused with `invalid_options`. What a `fetch` given as an option adds to requests is not seen: where that says whose
   * token it is, give `identity`.
   */
  identity?: string | undefined;
  /** The limits of {@link TokenManager.session}. */
  sessions?: SessionOptions | undefined;
}

/** How many sessions there may be, and for how long. */
export interface SessionOptions {
  /**
   * Sessions kept, the manager's own apart; the least recently used of more go, save those that ask for a token. A
   * whole number from 1 to 10 000 000.
   *
   * @defaultValue 10 000
   */
  max?: number | undefined;
  /**
   * How long a session is kept that nobody uses; up to a sixteenth longer. At least 1.
   *
   * @defaultValue 900 000
   */
  idleMs?: number | undefined;
  /**
   * Grants on the wire at a time, of all sessions. Where more are wanted, callers who wait go before background
   * refreshes, and those whose token ends first before others. Until the manager's credentials have brought a token, at
   * most two and one more after each failure that is not a refusal, since wrong ones are to be presented twice in all.
   * A whole number from 1 to 10 000.
   *
   * @defaultValue 32
   */
  maxConcurrentGrants?: number | undefined;
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
  /** Tells these options from the others. */
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
        /** The application's id, instead of `apiKey`. */
        appId: string;
        /** The application's secret, instead of `apiKey`. */
        appSecret: Secret;
        apiKey?: undefined;
      }
    // Last, because compilers explain a mistake by the last member: a missing `apiKey`, not a missing `appId`.
    | {
        /**
         * The application's API key as Fluz shows it. `Basic ` in front of it is dropped; a raw
         * `id:secret` is encoded.
         */
        apiKey: Secret;
        appId?: undefined;
        appSecret?: undefined;
      }
  );

/** Toggle: `loginUser`, by email address or by user name. */
export type ToggleOptions = CommonOptions & {
  /** Tells these options from the others. */
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
  /** Tells these options from the others. */
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

/**
 * A page that gets its tokens from a broker on your own server (`graphql-token-manager/broker`), so that no long-lived
 * secret reaches it. A token lives as long as the broker tells, or five minutes where it does not.
 *
 * With a `store`, {@link CommonOptions.identity} is required: the id of the user who is signed in, so that the next visitor
 * of the same browser does not find the token of the one before.
 */
export type BrokerProviderOptions = CommonOptions & {
  /** Tells these options from the others. */
  provider: "broker";
  /** Where the broker answers: an `https:` URL, or one relative to the page; `http:` for loopback only, unless `allowInsecure`. */
  url: string;
  /** The API that the tokens are for. */
  endpoint: string;
  /**
   * How the API refuses tokens and brings new ones.
   *
   * @defaultValue `{ refused: { statuses: [401] } }`
   */
  api?: "fluz" | "toggle" | "braintree" | Pick<ProfileBase, "refused" | "sliding"> | undefined;
  /**
   * Whether cookies are sent to the broker: `"include"` where it is of another origin.
   *
   * @defaultValue `"same-origin"`, as `fetch` has it
   */
  credentials?: "same-origin" | "include" | "omit" | undefined;
  /** The scopes to ask for: no more than the broker gives. Without: all that it gives. */
  scopes?: readonly (FluzScope | BraintreeScope)[] | undefined;
};

/** Any other API. */
export type ProfileOptions = CommonOptions & {
  /** What the API is like, as data or with a function that gets tokens. */
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
        /** HTTP statuses. */
        statuses?: readonly number[] | undefined;
        /** Messages of errors in an answer. */
        messages?: readonly string[] | undefined;
        /** `extensions.code` of errors in an answer. */
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
   * end is taken. `expiresAt` may be ISO 8601, or seconds or milliseconds since the epoch. A value
   * that cannot be read is a `protocol` error; 0 or less, and a point in time that has passed, mean
   * that the token has expired. No token lives for more than ten years.
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
  /** The selector of the session that the token is for; frozen, and empty for the manager's own. */
  session: Selector;
  /** Aborted when the manager is closed, and when `timeoutMs` is over. */
  signal: AbortSignal;
}

/** What a `grant` function gives. */
export interface GrantResult {
  /** The token: visible ASCII. */
  accessToken: string;
  /**
   * When it expires: since the epoch, or ISO 8601; in the past where it has. A value that cannot be
   * read is a `protocol` error. Instead of `expiresInMs`.
   */
  expiresAt?: number | string | Date | undefined;
  /** How long it lives, from now on; 0 or less where it has expired. Instead of `expiresAt`. */
  expiresInMs?: number | undefined;
  /** For the next grant. Without one, the last is kept. */
  refreshToken?: string | undefined;
  /** What was granted, if that is known: at most 1,000 scopes of at most 256 characters (RFC 6749 section 3.3). */
  scopes?: readonly string[] | undefined;
}
