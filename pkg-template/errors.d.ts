/**
 * Errors of the package: their codes, and what they contain.
 *
 * @packageDocumentation
 */

/**
 * Error codes of {@link TokenError}. They are stable.
 *
 * - `invalid_options`: the options are invalid; the message contains the key and the expected value.
 * - `invalid_credentials`: the provider rejected the credentials. Credentials that were accepted before are presented
 *   again after 15 s, 1 min, 4 min and then every 15 min, by each session; others twice in total, by all sessions of
 *   the manager together, until they change or `refresh()` is called. Each process counts separately.
 * - `credentials_unavailable`: a secret function threw, took longer than `timeoutMs`, or did not return a string.
 * - `insufficient_scope`: fewer scopes were granted than required; `missingScopes` lists those that are known.
 * - `token_rejected`: the API rejected a token that had just been granted. Some APIs answer so as well if the user lacks a
 *   permission: `errors` and `data` have the answer to `request()`.
 * - `rate_limited`: HTTP 429, or the provider's own throttling; see `retryAfterMs`.
 * - `network`: no response was received.
 * - `fetch_threw`: the option `fetch`, or a replacement of the global one, threw something other than a network
 *   failure, which is the `cause`. Retryable, except for programming errors (`ReferenceError`, `RangeError` …).
 * - `timeout`: the response did not arrive in time.
 * - `server`: HTTP 5xx, or the provider's own code for an outage.
 * - `protocol`: the response is not as the provider documents it. Retryable if it did not come from the provider (an
 *   HTML page, an empty or broken body, a redirect), or contained a token that had already expired.
 * - `store`: a store failed, and the token could not be acquired without it.
 * - `closed`: the manager, or the session, is closed.
 * - `unsupported`: the provider, or this runtime, does not support the operation.
 * - `wasm_blocked`: the page's Content-Security-Policy forbids WebAssembly; the message contains the directive to add.
 * - `internal`: the core was aborted, most likely because the stack was exhausted; the next call starts it again.
 * - `graphql_errors`: a GraphQL response with errors; only {@link GraphQLRequestError} has it.
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

/** Additional details of a {@link TokenError}. */
export interface TokenErrorDetails {
  /** Set if the same call may succeed later; by default, determined by the code. */
  retryable?: boolean | undefined;
  /** The provider's name. */
  provider?: string | undefined;
  /** The HTTP status of the response. */
  status?: number | undefined;
  /** The provider's own id of the request. */
  requestId?: string | undefined;
  /** The delay that the provider requested. */
  retryAfterMs?: number | undefined;
  /** Scopes that were required and not granted; for `insufficient_scope`, an empty list by default. */
  missingScopes?: readonly string[] | undefined;
  /** Number of requests that were sent. */
  attempts?: number | undefined;
  /** What the provider said. */
  providerErrors?: readonly ProviderError[] | undefined;
  /**
   * The underlying error. Of the manager's own errors, those of a `fetch` that threw have one: a copy with its class,
   * code, message and stack, in which values of the request are replaced by `[secret]`.
   */
  cause?: unknown;
}

/**
 * An error of a provider's response, without secrets: values of the request that may be secret, and tokens, are replaced
 * by `[secret]`. An error from which they cannot be removed is left out.
 */
export interface ProviderError {
  /** The provider's own message, of at most 500 characters. */
  readonly message: string;
  /** The provider's own code, of at most 100 characters. */
  readonly code?: string;
  /** The names and indexes of the path of the affected field, separated by dots, of at most 200 characters. */
  readonly path?: string;
}

/** A {@link TokenError} with the code `Code`. */
export interface TokenErrorOf<Code extends TokenErrorCode> extends Error {
  /** The name of the class. */
  readonly name: "TokenError" | "GraphQLRequestError";
  /**
   * The stable identifier of the failure. A comparison with it narrows the type of the other properties in TypeScript.
   */
  readonly code: Code;
  /** Set if the same call may succeed later. */
  readonly retryable: boolean;
  /** The provider's name. */
  readonly provider?: string;
  /** The HTTP status of the response, if there was one. */
  readonly status?: number;
  /** The provider's own id of the request, if it returned one. */
  readonly requestId?: string;
  /** The delay that the provider requested. */
  readonly retryAfterMs?: number;
  /**
   * Scopes that were required and not granted. Always a list with the code `insufficient_scope`, empty if the API did
   * not list them.
   */
  readonly missingScopes: Code extends "insufficient_scope"
    ? readonly string[]
    : readonly string[] | undefined;
  /** Number of requests that were sent. */
  readonly attempts?: number;
  /**
   * What the provider said, if its response has errors: a frozen list of at most five, the first of which is in `message`
   * as well. Not set with the code `graphql_errors`, where {@link GraphQLRequestError.errors} has them. See
   * `quoteErrors` in {@link CommonOptions}.
   */
  readonly providerErrors?: readonly ProviderError[];
  /**
   * The errors of the response, unchanged: of {@link TokenManager.request} with the codes `token_rejected` and
   * `insufficient_scope`, if the response has any, and of a {@link GraphQLRequestError}. Printing the error does not show
   * them.
   */
  readonly errors?: Code extends CodeOfAnswer ? readonly GraphQLAnswerError[] | undefined : undefined;
  /** The data of the same response: `null`, missing or partial. Printing the error does not show it. */
  readonly data?: Code extends CodeOfAnswer ? any : undefined;
}

/** Codes of errors that may have the errors and the data of a response. */
type CodeOfAnswer = "token_rejected" | "insufficient_scope" | "graphql_errors";

/**
 * The error with which methods reject. Exceptions: an aborted call rejects with its signal's reason, and
 * {@link TokenManager.fetch} passes on what `fetch` throws. Contains no secret, no token and of a response only its errors,
 * however it is printed.
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
  | TokenErrorOf<"token_rejected">
  | TokenErrorOf<Exclude<TokenErrorCode, CodeOfAnswer>>
  | GraphQLRequestError;

/** The class of the errors with which methods reject. */
export const TokenError: TokenErrorConstructor;

/** The class of {@link TokenError}, which may be extended. */
export interface TokenErrorConstructor {
  /** Creates an error for a `grant` function to throw. */
  new <Code extends TokenErrorCode = TokenErrorCode>(
    code: Code,
    message: string,
    details?: TokenErrorDetails,
  ): TokenErrorOf<Code>;
  /** Returns whether a value is a `TokenError`, including one of another realm or another copy of this package. */
  is(value: unknown): value is TokenError;
  /** Equal to that of every class. Declared because `instanceof` would not distinguish the codes otherwise. */
  [Symbol.hasInstance]<Class extends abstract new (...values: any) => unknown>(
    this: Class,
    value: unknown,
  ): value is Class extends TokenErrorConstructor ? TokenError : InstanceType<Class>;
}

/**
 * The error with which {@link TokenManager.request} rejects if the response has errors, even if it has data as well.
 *
 * Its message contains the codes and the first message of the API, of at most 500 characters and without the token;
 * `quoteErrors: false` leaves the message out. Printing the error shows neither `errors` nor `data`: the errors of an API
 * quote their input.
 */
export interface GraphQLRequestError extends TokenErrorOf<"graphql_errors"> {
  /** The name of the class. */
  readonly name: "GraphQLRequestError";
  /** The errors of the response, unchanged. */
  readonly errors: readonly GraphQLAnswerError[];
  /** The data of the response: `null`, missing or partial. */
  readonly data: any;
}

/** The class of the error with which {@link TokenManager.request} rejects if the response has errors. */
export const GraphQLRequestError: GraphQLRequestErrorConstructor;

/** The class of {@link GraphQLRequestError}. */
export interface GraphQLRequestErrorConstructor {
  /** Creates an error for tests. */
  new (message: string, details: GraphQLRequestErrorDetails): GraphQLRequestError;
  /**
   * Returns whether a value is a `GraphQLRequestError`, including one of another realm or another copy of this
   * package.
   */
  is(value: unknown): value is GraphQLRequestError;
}

/** The details of a {@link GraphQLRequestError}. */
export interface GraphQLRequestErrorDetails extends TokenErrorDetails {
  /** The errors of the response. */
  errors: readonly GraphQLAnswerError[];
  /** The data of the response, if any. */
  data?: unknown;
}

/** An error of a response (GraphQL specification, section 7.1.2); APIs may add keys. */
export interface GraphQLAnswerError {
  /** The API's own message, which may quote its input. */
  readonly message: string;
  /** The path of the affected field: names and list positions from the root. */
  readonly path?: readonly (string | number)[] | undefined;
  /** The positions in the document. */
  readonly locations?: readonly { readonly line: number; readonly column: number }[] | undefined;
  /** Additional information of the API, often a `code`. */
  readonly extensions?: { readonly [key: string]: any } | undefined;
  readonly [key: string]: any;
}
