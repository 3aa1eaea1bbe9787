// The scope tables, compared with the providers' documentation.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import "../support/guard.js";
import { requiredScopes, scopes } from "graphql-token-manager/scopes";

/** docs.fluz.app/docs/application-scopes, the table "Application Scopes". */
const FLUZ_USAGE = {
  LIST_PAYMENT: "Allows access to user's payment methods and account balance.",
  LIST_PURCHASES: "Allows access to user's purchase history.",
  LIST_OFFERS: "Allows access to offers catalog and inventory data.",
  MAKE_DEPOSIT: "Allows making a deposit to the user's balance.",
  PURCHASE_GIFTCARD: "Allows purchasing a gift card.",
  REVEAL_GIFTCARD: "Allows revealing a gift card code for redemption.",
  MANAGE_PAYMENT: "Allows making changes to user's payment methods.",
  REVEAL_VIRTUALCARD: "Allows revealing a virtual card details.",
  CREATE_VIRTUALCARD: "Allows access to create virtual card.",
};

/** Scopes on other pages of docs.fluz.app, without a usage. */
const FLUZ_OTHERS = [
  ...["EDIT_VIRTUALCARD", "REQUEST_VIRTUAL_CARD", "REQUEST_ACCOUNT_TRANSFER", "LIST_APPROVALS"],
  ...["MANAGE_APPROVALS", "VIEW_SUBUSERS", "MANAGE_SUBUSERS", "MAKE_PAYOUT_TRANSFER_SEND"],
  ...["MAKE_PAYOUT_TRANSFER_RECEIVE", "MAKE_PAYOUT_SEND", "MAKE_PAYOUT_RECEIVE", "VERIFY_KYC"],
  ...["MAKE_WIDTHDRAW"],
];

/** Requirements stated in prose on docs.fluz.app or fluz.app/api-reference: "requires the … scope". */
const FLUZ_SAID = {
  "query getMerchants": ["LIST_OFFERS"],
  "query getGiftCards": ["LIST_PURCHASES"],
  "query getUserPurchases": ["LIST_PURCHASES"],
  "query getTransactions": ["LIST_PAYMENT", "LIST_PURCHASES"],
  "query getBINs": ["CREATE_VIRTUALCARD"],
  "mutation createVirtualCard": ["CREATE_VIRTUALCARD"],
  "mutation editVirtualCard": ["EDIT_VIRTUALCARD"],
  "mutation lockVirtualCard": ["EDIT_VIRTUALCARD"],
  "mutation unlockVirtualCard": ["EDIT_VIRTUALCARD"],
  "mutation requestVirtualCard": ["REQUEST_VIRTUAL_CARD"],
  "mutation requestAccountTransfer": ["REQUEST_ACCOUNT_TRANSFER"],
  "query approvalRequests": ["LIST_APPROVALS"],
  "mutation approveApprovalRequest": ["MANAGE_APPROVALS"],
  "query authorizedUsers": ["VIEW_SUBUSERS"],
  "mutation addAuthorizedUser": ["MANAGE_SUBUSERS"],
  "mutation createTransfer": ["MAKE_PAYOUT_TRANSFER_SEND"],
};

/** Operations with the same wording on their page as in the usage of a scope. */
const FLUZ_MEANT = {
  "query getWallet": ["LIST_PAYMENT"],
  "query getOfferQuote": ["LIST_OFFERS"],
  "mutation depositCashBalance": ["MAKE_DEPOSIT"],
  "mutation purchaseGiftCard": ["PURCHASE_GIFTCARD"],
  "mutation revealGiftCardByGiftCardId": ["REVEAL_GIFTCARD"],
  "mutation addBankCard": ["MANAGE_PAYMENT"],
  "mutation revealVirtualCardByVirtualCardId": ["REVEAL_VIRTUALCARD"],
};

/** Operations documented to accept `Basic <API_KEY>`. */
const FLUZ_WITHOUT = {
  "query getAccountsByUserId": [],
  "query getApplicationScopes": [],
  "query getApplicationUsers": [],
  "mutation generateUserAccessToken": [],
  "mutation refreshUserAccessToken": [],
};

/** developer.paypal.com/braintree/graphql/integration_guides/access_tokens_client_credentials, "List of all available scopes". */
const BRAINTREE_LIST = `
  ADDRESS_CREATE ADDRESS_DELETE ADDRESS_FIND ADDRESS_UPDATE APPLE_PAY_MANAGE_WEB_DOMAINS CLIENT_TOKEN_GENERATE
  CREDIT_CARD_EXPIRING_BETWEEN CREDIT_CARD_VERIFICATION_SEARCH CUSTOMER_CREATE CUSTOMER_DELETE CUSTOMER_FIND
  CUSTOMER_SEARCH CUSTOMER_UPDATE DISPUTE_ACCEPT DISPUTE_ACCEPT_FACILITATED DISPUTE_ADD_EVIDENCE
  DISPUTE_ADD_EVIDENCE_FACILITATED DISPUTE_FINALIZE DISPUTE_FINALIZE_FACILITATED DISPUTE_FIND
  DISPUTE_FIND_FACILITATED DISPUTE_REMOVE_EVIDENCE DISPUTE_REMOVE_EVIDENCE_FACILITATED DISPUTE_SEARCH
  DISPUTE_SEARCH_FACILITATED DOCUMENT_UPLOAD_CREATE GRANT_PAYMENT_METHOD MERCHANT_ACCOUNT_ALL MERCHANT_ACCOUNT_FIND
  MULTI_USE_PAYMENT_METHOD_CREATE MULTI_USE_PAYMENT_METHOD_DELETE MULTI_USE_PAYMENT_METHOD_FIND
  MULTI_USE_PAYMENT_METHOD_UPDATE PAYMENT_CONTEXT_CREATE PAYMENT_CONTEXT_FIND PAYMENT_CONTEXT_SEARCH
  PAYMENT_METHOD_VAULT PAYMENT_METHOD_VERIFY READ_FACILITATED_TRANSACTIONS SETTLEMENT_BATCH_SUMMARY_GENERATE
  SHARED_VAULT_TRANSACTIONS SINGLE_USE_PAYMENT_METHOD_CREATE SINGLE_USE_PAYMENT_METHOD_FIND SUBSCRIPTION_CANCEL
  SUBSCRIPTION_CREATE SUBSCRIPTION_FIND SUBSCRIPTION_SEARCH SUBSCRIPTION_UPDATE TRANSACTION_CHARGE TRANSACTION_FIND
  TRANSACTION_MANAGE_SETTLEMENT TRANSACTION_REFUND TRANSACTION_REVERSE TRANSACTION_SALE TRANSACTION_SEARCH
  TRANSACTION_VOID`
  .trim()
  .split(/\s+/);

/** The same page, "Mutations and the scopes needed", in its order. */
const BRAINTREE_TABLE = {
  authorizeCreditCard: "TRANSACTION_SALE",
  authorizePaymentMethod: "TRANSACTION_SALE",
  authorizeVenmoAccount: "TRANSACTION_SALE",
  captureTransaction: "TRANSACTION_MANAGE_SETTLEMENT",
  chargeCreditCard: "TRANSACTION_CHARGE",
  createCustomer: "CUSTOMER_CREATE",
  createVenmoPaymentContext: "PAYMENT_CONTEXT_CREATE",
  "Node.venmoPaymentContext": "PAYMENT_CONTEXT_FIND",
  partialCaptureTransaction: "TRANSACTION_MANAGE_SETTLEMENT",
  refundTransaction: "TRANSACTION_REFUND",
  reverseTransaction: "TRANSACTION_REVERSE",
  tokenizeCreditCard: "SINGLE_USE_PAYMENT_METHOD_CREATE",
  tokenizeNetworkToken: "SINGLE_USE_PAYMENT_METHOD_CREATE",
  vaultPaymentMethod: "PAYMENT_METHOD_VAULT",
};

/**
 * github.com/braintree/graphql-api, schema.graphql: mutations with descriptions that name a scope outside the list.
 */
const OAUTH_SECRETS = ["createOAuthClientSecret", "disableOAuthClientSecret", "deleteOAuthClientSecret"];

const names = (/** @type {readonly { name: string }[]} */ list) => list.map(({ name }) => name);

describe("Fluz's scopes", () => {
  test("are the nine on the scopes page, with its descriptions, and thirteen of other pages", () => {
    const described = scopes.fluz.filter(({ description }) => description);

    assert.deepEqual(
      Object.fromEntries(described.map(({ name, description }) => [name, description])),
      FLUZ_USAGE,
    );
    assert.deepEqual(names(scopes.fluz), [...Object.keys(FLUZ_USAGE), ...FLUZ_OTHERS]);
  });

  for (const [operation, expected] of Object.entries({ ...FLUZ_SAID, ...FLUZ_MEANT, ...FLUZ_WITHOUT })) {
    test(`${operation} needs ${expected.join(" and ") || "none"}`, () => {
      const [kind, field] = operation.split(" ");

      assert.deepEqual(requiredScopes(`${kind} { ${field} { id } }`, "fluz"), expected);
    });
  }

  test("list each operation that is known to need them, and no other", () => {
    const listed = scopes.fluz.flatMap(({ name, operations = [] }) =>
      operations.map((field) => [field, name]),
    );
    const expected = Object.entries({ ...FLUZ_SAID, ...FLUZ_MEANT }).flatMap(([operation, needed]) =>
      needed.map((name) => [operation.split(" ")[1], name]),
    );

    assert.deepEqual(listed.sort(), expected.sort());
  });
});

describe("Braintree's scopes", () => {
  test("are the 56 of the guide, and the one named by the schema", () => {
    assert.equal(BRAINTREE_LIST.length, 56);
    assert.deepEqual(names(scopes.braintree), [...BRAINTREE_LIST, "MANAGE_OAUTH_CLIENT_SECRETS"]);
  });

  test("have no description, because none is published", () => {
    assert.ok(scopes.braintree.every((scope) => !("description" in scope)));
  });

  test("list the 14 rows of the guide's table, and the three mutations of the schema", () => {
    const listed = scopes.braintree.flatMap(({ name, operations = [] }) =>
      operations.map((field) => [field, name]),
    );
    const expected = Object.entries(BRAINTREE_TABLE);

    assert.equal(expected.length, 14);
    assert.deepEqual(
      listed.sort(),
      [...expected, ...OAUTH_SECRETS.map((field) => [field, "MANAGE_OAUTH_CLIENT_SECRETS"])].sort(),
    );
  });

  for (const [operation, scope] of Object.entries(BRAINTREE_TABLE)) {
    test(`${operation} needs ${scope}`, () => {
      const document = operation.startsWith("Node.")
        ? `query ($id: ID!) { node(id: $id) { ... on ${operation.replace("Node.v", "V")} { status } } }`
        : `mutation ($input: X!) { ${operation}(input: $input) { clientMutationId } }`;

      assert.deepEqual(requiredScopes(document, "braintree"), [scope]);
    });
  }

  test("are not needed to obtain a token", () => {
    const document =
      "mutation { createOAuthAccessTokenFromClientCredentials { accessToken { accessToken } } }";

    assert.deepEqual(requiredScopes(document, "braintree"), []);
  });
});

describe("the tables", () => {
  test("are immutable", () => {
    assert.ok(Object.isFrozen(scopes));
    for (const list of [scopes.fluz, scopes.braintree]) {
      assert.ok(Object.isFrozen(list));
      for (const scope of list) {
        assert.ok(Object.isFrozen(scope));
        assert.ok(scope.operations === undefined || Object.isFrozen(scope.operations));
      }
    }
  });

  test("contain each scope once", () => {
    for (const list of [scopes.fluz, scopes.braintree]) {
      assert.equal(new Set(names(list)).size, list.length);
    }
  });
});
