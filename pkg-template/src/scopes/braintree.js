// Braintree's scopes and the operations that need them.
//
// Sources, as read in November 2026: the list and the table "Mutations and the scopes needed" of
// developer.paypal.com/braintree/graphql/integration_guides/access_tokens_client_credentials, which describes no scope;
// the last one is named by the mutations' descriptions in github.com/braintree/graphql-api, schema.graphql.

/** @import { BraintreeScope } from "../../scopes.js" */
/** @import { Known, Table, Usage } from "./table.js" */

/** @satisfies {Record<Known<BraintreeScope>, Usage>} */
const USAGE = {
  ADDRESS_CREATE: {},
  ADDRESS_DELETE: {},
  ADDRESS_FIND: {},
  ADDRESS_UPDATE: {},
  APPLE_PAY_MANAGE_WEB_DOMAINS: {},
  CLIENT_TOKEN_GENERATE: {},
  CREDIT_CARD_EXPIRING_BETWEEN: {},
  CREDIT_CARD_VERIFICATION_SEARCH: {},
  CUSTOMER_CREATE: { mutations: ["createCustomer"] },
  CUSTOMER_DELETE: {},
  CUSTOMER_FIND: {},
  CUSTOMER_SEARCH: {},
  CUSTOMER_UPDATE: {},
  DISPUTE_ACCEPT: {},
  DISPUTE_ACCEPT_FACILITATED: {},
  DISPUTE_ADD_EVIDENCE: {},
  DISPUTE_ADD_EVIDENCE_FACILITATED: {},
  DISPUTE_FINALIZE: {},
  DISPUTE_FINALIZE_FACILITATED: {},
  DISPUTE_FIND: {},
  DISPUTE_FIND_FACILITATED: {},
  DISPUTE_REMOVE_EVIDENCE: {},
  DISPUTE_REMOVE_EVIDENCE_FACILITATED: {},
  DISPUTE_SEARCH: {},
  DISPUTE_SEARCH_FACILITATED: {},
  DOCUMENT_UPLOAD_CREATE: {},
  GRANT_PAYMENT_METHOD: {},
  MERCHANT_ACCOUNT_ALL: {},
  MERCHANT_ACCOUNT_FIND: {},
  MULTI_USE_PAYMENT_METHOD_CREATE: {},
  MULTI_USE_PAYMENT_METHOD_DELETE: {},
  MULTI_USE_PAYMENT_METHOD_FIND: {},
  MULTI_USE_PAYMENT_METHOD_UPDATE: {},
  PAYMENT_CONTEXT_CREATE: { mutations: ["createVenmoPaymentContext"] },
  PAYMENT_CONTEXT_FIND: { nodes: ["VenmoPaymentContext"] },
  PAYMENT_CONTEXT_SEARCH: {},
  PAYMENT_METHOD_VAULT: { mutations: ["vaultPaymentMethod"] },
  PAYMENT_METHOD_VERIFY: {},
  READ_FACILITATED_TRANSACTIONS: {},
  SETTLEMENT_BATCH_SUMMARY_GENERATE: {},
  SHARED_VAULT_TRANSACTIONS: {},
  SINGLE_USE_PAYMENT_METHOD_CREATE: { mutations: ["tokenizeCreditCard", "tokenizeNetworkToken"] },
  SINGLE_USE_PAYMENT_METHOD_FIND: {},
  SUBSCRIPTION_CANCEL: {},
  SUBSCRIPTION_CREATE: {},
  SUBSCRIPTION_FIND: {},
  SUBSCRIPTION_SEARCH: {},
  SUBSCRIPTION_UPDATE: {},
  TRANSACTION_CHARGE: { mutations: ["chargeCreditCard"] },
  TRANSACTION_FIND: {},
  TRANSACTION_MANAGE_SETTLEMENT: { mutations: ["captureTransaction", "partialCaptureTransaction"] },
  TRANSACTION_REFUND: { mutations: ["refundTransaction"] },
  TRANSACTION_REVERSE: { mutations: ["reverseTransaction"] },
  TRANSACTION_SALE: { mutations: ["authorizeCreditCard", "authorizePaymentMethod", "authorizeVenmoAccount"] },
  TRANSACTION_SEARCH: {},
  TRANSACTION_VOID: {},
  MANAGE_OAUTH_CLIENT_SECRETS: {
    mutations: ["createOAuthClientSecret", "disableOAuthClientSecret", "deleteOAuthClientSecret"],
  },
};

/** @type {Table} */
export const BRAINTREE = {
  usage: USAGE,
  // It requires the client's id and secret, not an access token.
  unscoped: { mutations: ["createOAuthAccessTokenFromClientCredentials"] },
};
