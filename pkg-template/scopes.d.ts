/**
 * Which scopes there are, and which of them a GraphQL document needs.
 *
 * From what the providers publish, which they may change; nothing is asked of them.
 *
 * @packageDocumentation
 */

/**
 * The scopes that a document needs: sorted, each once.
 *
 * Looks through fragments and aliases. What a `@skip` or `@include` certainly leaves out counts for
 * nothing; what a variable decides counts, unless `variables` tell. Several operations need what
 * each of them does, unless `operationName` names one. Introspection needs none, and neither does
 * what takes an API key or a client's secret instead of a token. Toggle has no scopes: an empty list.
 *
 * Synchronous and pure; a document may come from anyone, and has limits of size and depth.
 *
 * @example
 * ```ts
 * import { requiredScopes } from "graphql-token-manager/scopes";
 *
 * const document = "mutation ($input: ChargeCreditCardInput!) { chargeCreditCard(input: $input) { clientMutationId } }";
 * const needed: string[] = requiredScopes(document, "braintree"); // ["TRANSACTION_CHARGE"]
 * ```
 *
 * @param document GraphQL, or what any version of graphql-js or `gql` made of it
 * @throws {TokenError} `unsupported` where the provider does not publish what a field needs, which
 * the message names, with line and column if they are known; `invalid_options` where the document or an option is wrong, with line and
 * column if it is no GraphQL. This entry has a copy of the class: tell its errors by
 * `TokenError.is` or by their `code`, not by `instanceof`.
 */
export function requiredScopes(
  document: GraphQLDocument,
  provider: ScopesProvider,
  options?: ScopesOptions,
): string[];

/**
 * The same for one request: the form in which `request` calls its option `scopes`.
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
 * As {@link requiredScopes}, for documents with fields of which the provider does not publish what
 * they need: it names them instead of throwing.
 *
 * @throws {TokenError} `invalid_options`, as {@link requiredScopes}
 */
export function analyse(
  document: GraphQLDocument,
  provider: ScopesProvider,
  options?: ScopesOptions,
): {
  /** The scopes that are known to be needed: sorted, each once. */
  scopes: string[];
  /**
   * What is not published: root fields, as `Mutation.deleteCustomer`, and types that Braintree's
   * `node` is asked for, as `Node.dispute`; `Query.node` where no fragment tells the type.
   */
  unknown: string[];
};

/** Every documented scope. Frozen. */
export const scopes: {
  /** Fluz's. */
  readonly fluz: readonly Scope<FluzScope>[];
  /** Braintree's. */
  readonly braintree: readonly Scope<BraintreeScope>[];
};

/** A scope, as its provider documents it. */
export interface Scope<Name extends string = string> {
  /** As it is asked for. */
  readonly name: Name;
  /** In the provider's words. Braintree describes none. */
  readonly description?: string;
  /**
   * What is published to need it: root fields, and `Node.venmoPaymentContext` for what Braintree's
   * `node` gives as a `VenmoPaymentContext`.
   */
  readonly operations?: readonly string[];
}

/** A provider's name. */
export type ScopesProvider = "fluz" | "braintree" | "toggle";

/** GraphQL as text, or parsed by any version of graphql-js: only its structure counts. */
export type GraphQLDocument =
  string | String | { readonly kind: string; readonly definitions: readonly unknown[] };

/** A request to a provider. */
export interface ScopesRequest extends ScopesOptions {
  /** The provider's name; one that is not a {@link ScopesProvider} is refused. */
  provider: string;
}

/** What else a request says. */
export interface ScopesOptions {
  /** The operation that is carried out; all of them where left out. An unknown name is an error. */
  operationName?: string | null | undefined;
  /**
   * The request's variables, all of them: one that is missing here has its default. Where left out,
   * nothing is known of any, and what they decide counts as needed.
   */
  variables?: { readonly [name: string]: unknown } | null | undefined;
}

/** A scope of Fluz: those that are documented complete in an editor; any string is accepted. */
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

/** A scope of Braintree: those that are documented complete in an editor; any string is accepted. */
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
