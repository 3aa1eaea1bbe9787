/**
 * The scopes of the providers, and those that a GraphQL document needs.
 *
 * Based on the providers' publications, which may change; no request is sent.
 *
 * @packageDocumentation
 */

import type { BuiltinProvider } from "./options.js";

/**
 * Returns the scopes that a document needs, sorted and without duplicates.
 *
 * Fragments and aliases are resolved. A field that `@skip` or `@include` certainly excludes is ignored; one that
 * depends on a variable counts, unless `variables` decide it. The scopes of all operations are combined, unless
 * `operationName` selects one. Introspection needs none, and neither do fields that require an API key or a client's
 * secret instead of a token. Toggle has no scopes: an empty list.
 *
 * Synchronous and pure. Documents may be untrusted: their size and depth are limited.
 *
 * @example
 * ```ts
 * import { requiredScopes } from "graphql-token-manager/scopes";
 *
 * const document = "mutation ($input: ChargeCreditCardInput!) { chargeCreditCard(input: $input) { clientMutationId } }";
 * const needed: string[] = requiredScopes(document, "braintree"); // ["TRANSACTION_CHARGE"]
 * ```
 *
 * @param document GraphQL, as text or as parsed by any version of graphql-js or `gql`
 * @throws {TokenError} `unsupported` if the provider does not publish the scopes of a field, which the message
 * contains, with line and column if they are known; `invalid_options` if the document or an option is invalid, with
 * line and column if it is not valid GraphQL. This entry has a copy of the class: identify its errors by
 * `TokenError.is` or by their `code`, not by `instanceof`.
 */
export function requiredScopes(
  document: GraphQLDocument,
  provider: ScopesProvider,
  options?: ScopesOptions,
): string[];

/**
 * The same for one request, with the signature of the option `scopes` of `request`.
 *
 * @example
 * ```ts
 * import { TokenManager } from "graphql-token-manager";
 * import { requiredScopes } from "graphql-token-manager/scopes";
 *
 * declare const tokens: TokenManager;
 * await tokens.request("{ getOffers { offerId } }", {}, { scopes: requiredScopes });
 * ```
 *
 * @throws {TokenError} as above
 */
export function requiredScopes(document: GraphQLDocument, request: ScopesRequest): string[];

/**
 * Like {@link requiredScopes}, for documents with fields for which the provider publishes no scopes: it lists them
 * instead of throwing.
 *
 * @throws {TokenError} `invalid_options`, as {@link requiredScopes}
 */
export function analyse(
  document: GraphQLDocument,
  provider: ScopesProvider,
  options?: ScopesOptions,
): {
  /** The scopes that are known to be needed, sorted and without duplicates. */
  scopes: string[];
  /**
   * Items without published scopes: root fields, such as `Mutation.deleteCustomer`, and types requested from
   * Braintree's `node`, such as `Node.dispute`; `Query.node` if no fragment states the type.
   */
  unknown: string[];
};

/** All documented scopes. Frozen. */
export const scopes: {
  /** Scopes of Fluz. */
  readonly fluz: readonly Scope<FluzScope>[];
  /** Scopes of Braintree. */
  readonly braintree: readonly Scope<BraintreeScope>[];
};

/** A scope, as its provider documents it. */
export interface Scope<Name extends string = string> {
  /** The name to request. */
  readonly name: Name;
  /** The provider's own description. Braintree publishes none. */
  readonly description?: string;
  /**
   * Items that need it according to the provider: root fields, and `Node.venmoPaymentContext` for a
   * `VenmoPaymentContext` returned by Braintree's `node`.
   */
  readonly operations?: readonly string[];
}

/** The name of a provider. One that publishes no scopes needs none. */
export type ScopesProvider = BuiltinProvider;

/** GraphQL as text, or parsed by any version of graphql-js: only its structure is used. */
export type GraphQLDocument =
  string | String | { readonly kind: string; readonly definitions: readonly unknown[] };

/** A request to a provider. */
export interface ScopesRequest extends ScopesOptions {
  /** The provider's name; one that is not a {@link ScopesProvider} is rejected. */
  provider: string;
}

/** Further properties of a request. */
export interface ScopesOptions {
  /** The operation that is executed; by default, all of them. An unknown name is an error. */
  operationName?: string | null | undefined;
  /**
   * The request's variables, all of them: one that is missing has its default. By default, no variable is known, and
   * fields that depend on one count as needed.
   */
  variables?: { readonly [name: string]: unknown } | null | undefined;
}

/** A scope of Fluz. The documented ones are completed in an editor; any string is accepted. */
export type FluzScope =
  | "LIST_PAYMENT"
  | "LIST_PURCHASES"
  | "LIST_OFFERS"
  | "MAKE_DEPOSIT"
  | "PURCHASE_GIFTCARD"
  | "REVEAL_GIFTCARD"
  | "MANAGE_PAYMENT"
  | "REVEAL_VIRTUALCARD"
  | "CREATE_VIRTUALCARD"
  | "EDIT_VIRTUALCARD"
  | "REQUEST_VIRTUAL_CARD"
  | "REQUEST_ACCOUNT_TRANSFER"
  | "LIST_APPROVALS"
  | "MANAGE_APPROVALS"
  | "VIEW_SUBUSERS"
  | "MANAGE_SUBUSERS"
  | "MAKE_PAYOUT_TRANSFER_SEND"
  | "MAKE_PAYOUT_TRANSFER_RECEIVE"
  | "MAKE_PAYOUT_SEND"
  | "MAKE_PAYOUT_RECEIVE"
  | "VERIFY_KYC"
  | "MAKE_WIDTHDRAW"
  | (string & {});

/** A scope of Braintree. The documented ones are completed in an editor; any string is accepted. */
export type BraintreeScope =
  | "ADDRESS_CREATE"
  | "ADDRESS_DELETE"
  | "ADDRESS_FIND"
  | "ADDRESS_UPDATE"
  | "APPLE_PAY_MANAGE_WEB_DOMAINS"
  | "CLIENT_TOKEN_GENERATE"
  | "CREDIT_CARD_EXPIRING_BETWEEN"
  | "CREDIT_CARD_VERIFICATION_SEARCH"
  | "CUSTOMER_CREATE"
  | "CUSTOMER_DELETE"
  | "CUSTOMER_FIND"
  | "CUSTOMER_SEARCH"
  | "CUSTOMER_UPDATE"
  | "DISPUTE_ACCEPT"
  | "DISPUTE_ACCEPT_FACILITATED"
  | "DISPUTE_ADD_EVIDENCE"
  | "DISPUTE_ADD_EVIDENCE_FACILITATED"
  | "DISPUTE_FINALIZE"
  | "DISPUTE_FINALIZE_FACILITATED"
  | "DISPUTE_FIND"
  | "DISPUTE_FIND_FACILITATED"
  | "DISPUTE_REMOVE_EVIDENCE"
  | "DISPUTE_REMOVE_EVIDENCE_FACILITATED"
  | "DISPUTE_SEARCH"
  | "DISPUTE_SEARCH_FACILITATED"
  | "DOCUMENT_UPLOAD_CREATE"
  | "GRANT_PAYMENT_METHOD"
  | "MERCHANT_ACCOUNT_ALL"
  | "MERCHANT_ACCOUNT_FIND"
  | "MULTI_USE_PAYMENT_METHOD_CREATE"
  | "MULTI_USE_PAYMENT_METHOD_DELETE"
  | "MULTI_USE_PAYMENT_METHOD_FIND"
  | "MULTI_USE_PAYMENT_METHOD_UPDATE"
  | "PAYMENT_CONTEXT_CREATE"
  | "PAYMENT_CONTEXT_FIND"
  | "PAYMENT_CONTEXT_SEARCH"
  | "PAYMENT_METHOD_VAULT"
  | "PAYMENT_METHOD_VERIFY"
  | "READ_FACILITATED_TRANSACTIONS"
  | "SETTLEMENT_BATCH_SUMMARY_GENERATE"
  | "SHARED_VAULT_TRANSACTIONS"
  | "SINGLE_USE_PAYMENT_METHOD_CREATE"
  | "SINGLE_USE_PAYMENT_METHOD_FIND"
  | "SUBSCRIPTION_CANCEL"
  | "SUBSCRIPTION_CREATE"
  | "SUBSCRIPTION_FIND"
  | "SUBSCRIPTION_SEARCH"
  | "SUBSCRIPTION_UPDATE"
  | "TRANSACTION_CHARGE"
  | "TRANSACTION_FIND"
  | "TRANSACTION_MANAGE_SETTLEMENT"
  | "TRANSACTION_REFUND"
  | "TRANSACTION_REVERSE"
  | "TRANSACTION_SALE"
  | "TRANSACTION_SEARCH"
  | "TRANSACTION_VOID"
  | "MANAGE_OAUTH_CLIENT_SECRETS"
  | (string & {});
