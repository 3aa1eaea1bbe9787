// Fluz's scopes and the operations that need them, by docs.fluz.app and its API reference.
//
// Sources, as read in November 2026: the page of each operation where a row names one; otherwise "Application Scopes",
// where its usage of the scope is what the operation's own page describes. A scope without operations is named on a
// page that does not list the operations. MAKE_WIDTHDRAW is spelt as on its page.

/** @import { FluzScope } from "../../scopes.js" */
/** @import { Known, Table, Usage } from "./table.js" */

/** @satisfies {Record<Known<FluzScope>, Usage>} */
const USAGE = {
  LIST_PAYMENT: {
    description: "Allows access to user's payment methods and account balance.",
    // docs.fluz.app/docs/view-a-funding-source; docs.fluz.app/docs/get-all-transactions, which names both scopes.
    queries: ["getWallet", "getTransactions"],
  },
  LIST_PURCHASES: {
    description: "Allows access to user's purchase history.",
    // docs.fluz.app/docs/view-transaction-list; fluz.app/api-reference; docs.fluz.app/docs/get-all-transactions.
    queries: ["getUserPurchases", "getGiftCards", "getTransactions"],
  },
  LIST_OFFERS: {
    description: "Allows access to offers catalog and inventory data.",
    // docs.fluz.app/docs/get-merchant-catalog; docs.fluz.app/docs/get-best-offer.
    queries: ["getMerchants", "getOfferQuote"],
  },
  MAKE_DEPOSIT: {
    description: "Allows making a deposit to the user's balance.",
    // docs.fluz.app/docs/deposit-funds.
    mutations: ["depositCashBalance"],
  },
  PURCHASE_GIFTCARD: {
    description: "Allows purchasing a gift card.",
    // docs.fluz.app/docs/purchasing-gift-cards.
    mutations: ["purchaseGiftCard"],
  },
  REVEAL_GIFTCARD: {
    description: "Allows revealing a gift card code for redemption.",
    // docs.fluz.app/docs/viewing-gift-card-id.
    mutations: ["revealGiftCardByGiftCardId"],
  },
  MANAGE_PAYMENT: {
    description: "Allows making changes to user's payment methods.",
    // docs.fluz.app/docs/adding-a-funding-source-1.
    mutations: ["addBankCard"],
  },
  REVEAL_VIRTUALCARD: {
    description: "Allows revealing a virtual card details.",
    // docs.fluz.app/docs/viewing-virtual-card-details.
    mutations: ["revealVirtualCardByVirtualCardId"],
  },
  CREATE_VIRTUALCARD: {
    description: "Allows access to create virtual card.",
    // fluz.app/api-reference; docs.fluz.app/docs/create-virtual-cards.
    queries: ["getBINs"],
    mutations: ["createVirtualCard"],
  },
  // docs.fluz.app/docs/edit-virtual-card, …/lock-virtual-card, …/unlock-virtual-card.
  EDIT_VIRTUALCARD: { mutations: ["editVirtualCard", "lockVirtualCard", "unlockVirtualCard"] },
  // docs.fluz.app/docs/request-virtual-card-approval.
  REQUEST_VIRTUAL_CARD: { mutations: ["requestVirtualCard"] },
  // docs.fluz.app/docs/request-account-transfer-approval.
  REQUEST_ACCOUNT_TRANSFER: { mutations: ["requestAccountTransfer"] },
  // Both pages on approvals.
  LIST_APPROVALS: { queries: ["approvalRequests"] },
  MANAGE_APPROVALS: { mutations: ["approveApprovalRequest"] },
  // docs.fluz.app/docs/query-auth-users; docs.fluz.app/docs/create-auth-user.
  VIEW_SUBUSERS: { queries: ["authorizedUsers"] },
  MANAGE_SUBUSERS: { mutations: ["addAuthorizedUser"] },
  // docs.fluz.app/docs/application-transfer: a user's token sends. Earlier copies of the page have an argument
  // `direction`, and its value RECEIVE needs the scope below.
  MAKE_PAYOUT_TRANSFER_SEND: { mutations: ["createTransfer"] },
  MAKE_PAYOUT_TRANSFER_RECEIVE: {},
  // docs.fluz.app/docs/webhooks.
  MAKE_PAYOUT_SEND: {},
  MAKE_PAYOUT_RECEIVE: {},
  VERIFY_KYC: {},
  // docs.fluz.app/docs/using-oauth.
  MAKE_WIDTHDRAW: {},
};

/** @type {Table} */
export const FLUZ = {
  usage: USAGE,
  // They require the application's key, not a user's token.
  unscoped: {
    queries: ["getAccountsByUserId", "getApplicationScopes", "getApplicationUsers"],
    mutations: ["generateUserAccessToken", "refreshUserAccessToken"],
  },
};
