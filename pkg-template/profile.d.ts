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
  parameters?: { readonly [name: string]: SessionSecret | undefined } | undefined;
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
  /**
   * Added to grants, to revocations at the origin of `endpoint`, and to the requests of `request`. A function returns a
   * secret; what it returns is never quoted.
   */
  headers?: Record<string, SessionSecret> | undefined;
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
   * Its variables: JSON in which a function returns a secret, `"$refreshToken"` is replaced by the refresh token,
   * `"$accessToken"` in `renew` and `revoke` by the access token, and `"$scopes"` by the scopes. Another string that starts
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
