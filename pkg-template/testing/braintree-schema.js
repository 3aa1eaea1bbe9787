/**
 * The part of Braintree's schema that the sandbox implements, in SDL.
 *
 * Names and nullability follow github.com/braintree/graphql-api, schema.graphql, with fewer fields; the types around
 * createOAuthAccessTokenFromClientCredentials are not published and follow the guide "Access Tokens".
 *
 * @module
 */

/** All scopes that the guide lists. */
const SCOPES = [
  ...["ADDRESS_CREATE", "ADDRESS_DELETE", "ADDRESS_FIND", "ADDRESS_UPDATE", "APPLE_PAY_MANAGE_WEB_DOMAINS"],
  ...["CLIENT_TOKEN_GENERATE", "CREDIT_CARD_EXPIRING_BETWEEN", "CREDIT_CARD_VERIFICATION_SEARCH"],
  ...["CUSTOMER_CREATE", "CUSTOMER_DELETE", "CUSTOMER_FIND", "CUSTOMER_SEARCH", "CUSTOMER_UPDATE"],
  ...[
    "DISPUTE_ACCEPT",
    "DISPUTE_ACCEPT_FACILITATED",
    "DISPUTE_ADD_EVIDENCE",
    "DISPUTE_ADD_EVIDENCE_FACILITATED",
  ],
  ...["DISPUTE_FINALIZE", "DISPUTE_FINALIZE_FACILITATED", "DISPUTE_FIND", "DISPUTE_FIND_FACILITATED"],
  ...["DISPUTE_REMOVE_EVIDENCE", "DISPUTE_REMOVE_EVIDENCE_FACILITATED", "DISPUTE_SEARCH"],
  ...["DISPUTE_SEARCH_FACILITATED", "DOCUMENT_UPLOAD_CREATE", "GRANT_PAYMENT_METHOD", "MERCHANT_ACCOUNT_ALL"],
  ...["MERCHANT_ACCOUNT_FIND", "MULTI_USE_PAYMENT_METHOD_CREATE", "MULTI_USE_PAYMENT_METHOD_DELETE"],
  ...["MULTI_USE_PAYMENT_METHOD_FIND", "MULTI_USE_PAYMENT_METHOD_UPDATE", "PAYMENT_CONTEXT_CREATE"],
  ...["PAYMENT_CONTEXT_FIND", "PAYMENT_CONTEXT_SEARCH", "PAYMENT_METHOD_VAULT", "PAYMENT_METHOD_VERIFY"],
  ...["READ_FACILITATED_TRANSACTIONS", "SETTLEMENT_BATCH_SUMMARY_GENERATE", "SHARED_VAULT_TRANSACTIONS"],
  ...["SINGLE_USE_PAYMENT_METHOD_CREATE", "SINGLE_USE_PAYMENT_METHOD_FIND", "SUBSCRIPTION_CANCEL"],
  ...[
    "SUBSCRIPTION_CREATE",
    "SUBSCRIPTION_FIND",
    "SUBSCRIPTION_SEARCH",
    "SUBSCRIPTION_UPDATE",
    "TRANSACTION_CHARGE",
  ],
  ...["TRANSACTION_FIND", "TRANSACTION_MANAGE_SETTLEMENT", "TRANSACTION_REFUND", "TRANSACTION_REVERSE"],
  ...["TRANSACTION_SALE", "TRANSACTION_SEARCH", "TRANSACTION_VOID"],
];

/** Mutations that make a payment, and their similar input types. */
const PAYING = [
  ["authorizeCreditCard", "AuthorizeCreditCardInput"],
  ["authorizePaymentMethod", "AuthorizePaymentMethodInput"],
  ["authorizeVenmoAccount", "AuthorizeVenmoAccountInput"],
  ["chargeCreditCard", "ChargeCreditCardInput"],
];

/** Part of every input and every payload. */
const ID = "clientMutationId: String";

export const braintreeTypeDefs = /* GraphQL */ `
  enum OAuthScope { ${SCOPES.join(" ")} }
  enum OAuthTokenType { BEARER }
  type AccessToken {
    accessToken: String
    refreshToken: String
    tokenType: OAuthTokenType
    "Expiration in ISO time format"
    expiresAt: String
  }
  input CreateOAuthAccessTokenFromClientCredentialsInput {
    ${ID}
    scopes: [OAuthScope!]!
  }
  type CreateOAuthAccessTokenFromClientCredentialsPayload {
    ${ID}
    accessToken: AccessToken
  }

  scalar Amount
  scalar CreditCardNumber
  scalar Month
  scalar Timestamp
  scalar Year
  enum PaymentMethodUsage { MULTI_USE SINGLE_USE }
  interface Node { id: ID! }
  type MonetaryAmount { value: Amount  currencyCode: String }
  type Customer implements Node { id: ID!  createdAt: Timestamp  email: String }
  type PaymentMethod implements Node { id: ID!  createdAt: Timestamp  usage: PaymentMethodUsage }
  type Refund implements Node { id: ID!  createdAt: Timestamp  amount: MonetaryAmount  status: String }
  type Transaction implements Node { id: ID!  createdAt: Timestamp  amount: MonetaryAmount  status: String }
  type VenmoPaymentContext implements Node { id: ID!  createdAt: Timestamp  status: String }
  union Reversal = Refund | Transaction

  input TransactionInput { amount: Amount!  orderId: String }
  input CustomerInput { email: String }
  input CreditCardInput { number: CreditCardNumber!  expirationMonth: Month  expirationYear: Year }
  input NetworkTokenInput {
    number: CreditCardNumber!
    cryptogram: String!
    expirationMonth: Month!
    expirationYear: Year!
  }
  ${PAYING.map(([, input]) => `input ${input} { ${ID} paymentMethodId: ID! transaction: TransactionInput! }`).join("\n")}
  input CaptureTransactionInput { ${ID} transactionId: ID! }
  input PartialCaptureTransactionInput { ${ID} transactionId: ID! transaction: TransactionInput }
  input RefundTransactionInput { ${ID} transactionId: ID! }
  input ReverseTransactionInput { ${ID} transactionId: ID! }
  input CreateCustomerInput { ${ID} customer: CustomerInput }
  input TokenizeCreditCardInput { ${ID} creditCard: CreditCardInput! }
  input TokenizeNetworkTokenInput { ${ID} networkToken: NetworkTokenInput! }
  input VaultPaymentMethodInput { ${ID} paymentMethodId: ID! }
  input CreateVenmoPaymentContextInput { ${ID} paymentMethodUsage: PaymentMethodUsage }

  type TransactionPayload { ${ID} transaction: Transaction }
  type PartialCaptureTransactionPayload { ${ID} capture: Transaction }
  type RefundTransactionPayload { ${ID} refund: Refund }
  type ReverseTransactionPayload { ${ID} reversal: Reversal }
  type CreateCustomerPayload { ${ID} customer: Customer }
  type TokenizeCreditCardPayload { ${ID} paymentMethod: PaymentMethod }
  type TokenizeNetworkTokenPayload { ${ID} paymentMethod: PaymentMethod }
  type VaultPaymentMethodPayload { ${ID} paymentMethod: PaymentMethod }
  type VenmoPaymentContextPayload { ${ID} venmoPaymentContext: VenmoPaymentContext }

  type Query {
    ping: String!
    "Scope, by what is found: PAYMENT_CONTEXT_FIND, TRANSACTION_FIND, CUSTOMER_FIND, MULTI_USE_PAYMENT_METHOD_FIND."
    node(id: ID!): Node
  }
  type Mutation {
    createOAuthAccessTokenFromClientCredentials(
      input: CreateOAuthAccessTokenFromClientCredentialsInput!
    ): CreateOAuthAccessTokenFromClientCredentialsPayload
    ${PAYING.map(([field, input]) => `${field}(input: ${input}!): TransactionPayload`).join("\n")}
    captureTransaction(input: CaptureTransactionInput!): TransactionPayload
    partialCaptureTransaction(input: PartialCaptureTransactionInput!): PartialCaptureTransactionPayload
    refundTransaction(input: RefundTransactionInput!): RefundTransactionPayload
    reverseTransaction(input: ReverseTransactionInput!): ReverseTransactionPayload
    createCustomer(input: CreateCustomerInput): CreateCustomerPayload
    tokenizeCreditCard(input: TokenizeCreditCardInput!): TokenizeCreditCardPayload
    tokenizeNetworkToken(input: TokenizeNetworkTokenInput!): TokenizeNetworkTokenPayload
    vaultPaymentMethod(input: VaultPaymentMethodInput!): VaultPaymentMethodPayload
    createVenmoPaymentContext(input: CreateVenmoPaymentContextInput!): VenmoPaymentContextPayload
  }
`;
