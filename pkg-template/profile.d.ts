/**
 * Descriptions of APIs without a built-in provider: the option `provider` as an object.
 *
 * @packageDocumentation
 */

import type { Selector } from "./index.js";

/** The argument of a function that returns a secret of a described API. */
export interface SecretRequest {
  /**
   * The selector of the session for which a token is acquired, without scopes, by the paths of its variables; frozen, and
   * empty for the manager's own.
   */
  readonly session: Selector;
}

/**
 * A function that returns a secret of a described API. It is called for each grant of a session, so that a vault can
 * rotate the secret and each user can have one. It must return within `timeoutMs`. With a `store` and without `identity`,
 * it is called once more for each session, before the store is first read.
 */
export type SecretFunction = (request: SecretRequest) => string | Promise<string>;

/** A secret of a described API: a string, the same for all sessions, or a function that returns one. */
export type SessionSecret = string | SecretFunction;

/** Properties of every description of an API. */
export interface ProfileBase {
  /** Used in messages: at most 40 characters of visible ASCII. */
  name: string;
  /** The URL of the GraphQL API. */
  endpoint: string;
  /** The header in which an ordinary response contains a new token, and how that is known to be of the same session. */
  sliding?: Sliding | undefined;
  /**
   * The header of requests that contains the token, and the authentication scheme before it; an empty scheme is none. Or the
   * name of the cookie that contains it, in servers alone: a page cannot send it. `tokenType` is then that name and `=`.
   *
   * @defaultValue `{ header: "Authorization", scheme: "Bearer" }`; the scheme of any other header is empty
   */
  present?:
    | { header?: string | undefined; scheme?: string | undefined; cookie?: undefined }
    | { cookie: string; header?: undefined; scheme?: undefined }
    | undefined;
  /**
   * The failures by which the API rejects a token, or a grant the credentials.
   *
   * @defaultValue `{ statuses: [401] }`
   */
  refused?: RejectionRules | undefined;
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
   * access token. The operation must have one of them, unless `refreshToken.cookie` is given, whose cookie it has. A response
   * with `data` and without errors is a success.
   */
  revoke?: Operation | JsonOperation | RevocationEndpoint | undefined;
}

/**
 * New tokens in the responses to ordinary requests.
 *
 * A token is adopted only if it is of the same session: some servers answer to the token of an ended session as to no token,
 * and begin an anonymous session in the same header. If the token that was sent is a JWT with `sub`, the new one must have
 * the same in any case.
 */
export interface Sliding {
  /** The header with the token, or several, of which the first that is present counts. */
  header: string | readonly string[];
  /**
   * How a new token is known to be of the session of the token that was sent.
   *
   * - `{ data: "me.id" }`: a field that is empty (`null`, `false`, 0, `""`, `[]` or `{}`) without the session. A token is
   *   adopted only from a response that has the field, and not empty. If it is empty, without errors, the session has ended:
   *   the response rejects the token that was sent. Of several paths, the first that the response has counts.
   * - `{ claim: "sub" }`: a claim that has the same value, a string or an integer, in both tokens, which are JWTs.
   * - `true`: the API has tokens of no other session in this header.
   */
  sameSession: { data: Path } | { claim: string } | true;
}

/**
 * A kind of failure. A response is one if it matches any member. A list that is given replaces that of the default, and an
 * empty one matches nothing.
 */
export interface FailureRules {
  /** HTTP statuses. */
  statuses?: readonly number[] | undefined;
  /**
   * Codes of errors, ignoring the case of ASCII letters. They are read from `extensions.code`, `extensions.errorClass`,
   * `code`, `extensions.errorCode`, `extensions.errorType`, `errorType`, `errorCode`, `extensions.name`,
   * `extensions.statusCode`, `extensions.error.name`, `extensions.http.status`, `extensions.response.statusCode`,
   * `extensions.originalError.statusCode`, `extensions.exception.code`, `extensions.exception.name` and `statusCode`.
   * In the response to a grant, also from each payload of `data` and from its `errors`.
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
  /**
   * A function that recognizes what the lists cannot describe. It is called for each response to a grant or a
   * revocation, and for the other responses that failed: with a status that is not 2xx, with `errors` or with `error`.
   * It must not be asynchronous. If it throws, or returns neither `true` nor `false`, it matches nothing, and a
   * `warning` of the code `rule_failed` reports that once.
   */
  when?: ((answer: Answer) => boolean) | undefined;
}

/** The failures by which the API rejects a token, or a grant the credentials. */
export interface RejectionRules extends FailureRules {
  /**
   * Calls `when` for all responses of at most 1 MiB of JSON, also those with data alone. Each of them is parsed then.
   *
   * @defaultValue false
   */
  every?: boolean | undefined;
}

/**
 * A response that a rule examines; of a batch, one of its answers. It is frozen, but not what its members contain: a function
 * must not change that.
 */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** The headers; those that a page may read. */
  readonly headers: { get(name: string): string | null };
  /** `errors` of the body; an empty list if it has none. */
  readonly errors: readonly any[];
  /** `data` of the body. */
  readonly data: any;
  /** The body; `undefined` if it is not JSON, or longer than 1 MiB. The body of a grant contains tokens. */
  readonly body: any;
  /** Whether it is the response to a grant or a revocation. */
  readonly isGrant: boolean;
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
  parameters?: { readonly [name: string]: SessionSecret | undefined } | undefined;
  /**
   * The `Authorization` header, as that of an {@link Operation}.
   *
   * @defaultValue that of `authenticate`, or the client authentication of `oauth` unless `parameters` has a field that
   *   starts with `client_`
   */
  authorization?: Operation["authorization"];
}

/**
 * An API as data. Paths are names and list positions below `data`, separated by dots; of several paths, the first that
 * exists counts.
 */
export interface Profile extends ProfileBase {
  /**
   * The operation that acquires a token with the long-lived credentials. Required unless there is `refreshToken.initial`:
   * then a rejected refresh token ends in `invalid_credentials`.
   */
  authenticate?: Operation | JsonOperation | undefined;
  /**
   * The operation that acquires one with a refresh token, or with the access token itself (`"$accessToken"`). By default,
   * `authenticate` is used again.
   */
  renew?: Operation | JsonOperation | undefined;
  /**
   * The failures by which a grant rejects the credentials, besides those of `refused`.
   *
   * @defaultValue `{ statuses: [401, 403] }` (of JSON over HTTP also 400 and 422), `null` instead of a token, and any
   *   error of the executed operation that matches no other rule, except `INTERNAL_SERVER_ERROR`
   */
  denied?: FailureRules | undefined;
  /**
   * The location of the token in a response. A header may start with `Bearer`. A cookie is read from `Set-Cookie`,
   * which a page cannot read: there `getToken()` is `unsupported`.
   */
  token: { data: Path } | { header: string | readonly string[] } | { cookie: string };
  /** Refresh tokens: where they are, when they expire and whether one may be presented again. */
  refreshToken?: RefreshTokenDescription | undefined;
  /** The location of the granted scopes: a list, or a string with spaces between them. */
  scopes?: { data: Path } | undefined;
  /**
   * The location of the expiry. A JWT's own claims always count as well, and the earlier end is used. `expiresAt` may
   * be ISO 8601, or seconds or milliseconds since the epoch. An unreadable value is a `protocol` error; 0 or less, and
   * a point in time that has passed, mean that the token has expired. The lifetime is limited to ten years.
   */
  expiry: ExpiryDescription;
  /**
   * Added to grants, to revocations at the origin of `endpoint`, and to the requests of `request`. A function returns a
   * secret; what it returns is never quoted.
   */
  headers?: Record<string, SessionSecret> | undefined;
}

/** The location of an expiry, or a known lifetime. */
export type ExpiryDescription =
  | { expiresIn: Path; unit?: "seconds" | "milliseconds" | undefined }
  | { expiresAt: Path }
  | { jwt: true }
  | { lifetimeMs: number };

/** The refresh tokens of an API. */
export interface RefreshTokenDescription {
  /** The location of the refresh token in a response. Required unless there is `cookie`. */
  data?: Path | undefined;
  /**
   * The name of the cookie that contains the refresh token. It is read from `Set-Cookie`, and `renew` and `revoke` send
   * it as `Cookie`; they must have the origin of `authenticate`. In a page `getToken()` is `unsupported`. Alternative
   * to `data`.
   */
  cookie?: string | undefined;
  /**
   * The first refresh token, of an application that was authorized elsewhere. `renew` presents it before `authenticate` is
   * used, and each value once; if it is rejected, `authenticate` follows. Without `authenticate`, it is read again after a
   * refresh token was rejected or lost, so a function should return the newest that it knows. All sessions of the manager
   * would present the same one, so `session()` has no selectors.
   */
  initial?: SessionSecret | undefined;
  /**
   * When a refresh token expires, in the forms of `expiry`. Its claims count as well if it is a JWT. One that has expired
   * for a minute is not presented. Zero or less, and a point in time that has passed, count as unknown.
   *
   * @defaultValue unknown: a refresh token is presented until it is rejected
   */
  expiry?: ExpiryDescription | undefined;
  /**
   * Whether the API accepts a refresh token that it has replaced. `"strict"`: it does not; each is presented once, and
   * leaves the `store` before. `"retry-previous"`: it does until the replacement is used; a refresh token stays in the
   * `store` until its replacement is written, and is presented again after a response was lost.
   *
   * @defaultValue "strict"
   */
  rotation?: RefreshTokenRotation | undefined;
}

/** Whether an API accepts a refresh token that it has replaced. */
export type RefreshTokenRotation = "strict" | "retry-previous";

/** An API with tokens of an OAuth 2.0 token endpoint (RFC 6749). */
export interface OAuthProfile extends ProfileBase {
  /**
   * The token endpoint. A refresh token that it issues is used for the next grant. A `token_type` other than `Bearer`
   * and the scheme of `present` is a `protocol` error (section 7.1).
   */
  oauth: OAuthEndpoint;
  /**
   * The failures by which a grant rejects the credentials, besides those of `refused`.
   *
   * @defaultValue the statuses 401 and 403, and the errors `invalid_client`, `invalid_grant`, `unauthorized_client` and
   *   `access_denied`
   */
  denied?: FailureRules | undefined;
  /**
   * Added to grants, to revocations at the origin of `endpoint`, and to the requests of `request`. A function returns a
   * secret; what it returns is never quoted.
   */
  headers?: Record<string, SessionSecret> | undefined;
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
  clientSecret?: SessionSecret | undefined;
  /**
   * How the client authenticates (section 2.3.1). `"none"` sends `client_id` alone. An assertion (RFC 7523) is sent with
   * `"none"` and `parameters`.
   *
   * @defaultValue "client_secret_basic" with a secret, and "none" without
   */
  clientAuthentication?: "client_secret_basic" | "client_secret_post" | "none" | undefined;
  /** The user's name, for the grant `"password"`. A session can select another one if it is a string. */
  username?: SessionSecret | undefined;
  /** The user's password, for the grant `"password"`. */
  password?: SessionSecret | undefined;
  /**
   * The first refresh token, for the grant `"refresh_token"`. Later ones come from responses, and are kept in the `store` if
   * there is one. It is read again if the last one was rejected, so a function should return the newest that it knows.
   */
  refreshToken?: SessionSecret | undefined;
  /**
   * Whether the endpoint accepts a refresh token that it has replaced, as in {@link RefreshTokenDescription.rotation}. The
   * lifetime of a refresh token is read from `refresh_token_expires_in` or `refresh_expires_in`, in seconds.
   *
   * @defaultValue "strict"
   */
  refreshTokenRotation?: RefreshTokenRotation | undefined;
  /** More fields of each request, such as `audience`; a function returns a secret. */
  parameters?: { readonly [name: string]: SessionSecret | undefined } | undefined;
}

/** A path below `data`, or a list of paths. */
export type Path = string | readonly string[];

/** A GraphQL operation that returns a token. */
export interface Operation extends OperationBase {
  /** The document. */
  document: string;
  /**
   * Its variables: JSON in which a function returns a secret, `"$refreshToken"` in `renew` and `revoke` is replaced by the
   * refresh token, `"$accessToken"` there by the access token, and `"$scopes"` by the scopes. Another string that starts
   * with a dollar sign and a letter is `invalid_options`. Sessions can select the constants of `authenticate`, at any depth;
   * see {@link Selector}.
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
    | "none"
    | { basic: SessionSecret | { username: string; password: SessionSecret } }
    | { bearer: SessionSecret }
    | undefined;
}

/** JSON, or a function that returns a secret. */
export type VariableValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | SecretFunction
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
