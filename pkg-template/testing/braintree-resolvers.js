/**
 * Braintree's ordinary operations, each with its scope: cards, transactions, customers and payment contexts.
 *
 * The scopes of mutations, and of `Node.venmoPaymentContext`, are those of the guide's table "Mutations and the scopes
 * needed". For other nodes, the corresponding scope with `FIND` was chosen for the sandbox.
 *
 * @module
 */

import { base64Url, randomHex } from "./portable.js";
import { BoundedMap } from "./bounded-map.js";
import { open, withBearer } from "./provider-request.js";

/** @import { Engine } from "./service.js" */

/** @typedef {keyof typeof FIND_SCOPES} NodeType */
/** @typedef {{ id: string, type: NodeType, createdAt: string, [field: string]: unknown }} Node */
/** @typedef {Record<string, any>} Input */

/** The scopes for reading each type by `node`. */
const FIND_SCOPES = Object.freeze({
  VenmoPaymentContext: "PAYMENT_CONTEXT_FIND",
  Transaction: "TRANSACTION_FIND",
  Refund: "TRANSACTION_FIND",
  Customer: "CUSTOMER_FIND",
  PaymentMethod: "MULTI_USE_PAYMENT_METHOD_FIND",
});

/** @param {{ now: () => number, engine: Engine }} parts */
export function braintreeShop({ now, engine: { graphql } }) {
  /** @type {BoundedMap<Node>} */
  const nodes = new BoundedMap();

  /**
   * @param {NodeType} type
   * @param {Record<string, unknown>} [fields]
   */
  const create = (type, fields) => {
    const id = base64Url(`${type.toLowerCase()}_${randomHex(6)}`);
    const node = { ...fields, id, type, createdAt: new Date(now()).toISOString() };
    nodes.set(id, node);
    return node;
  };
  /**
   * @param {string} errorClass
   * @param {string} message
   * @param {object} [more]
   */
  const error = (errorClass, message, more) =>
    new graphql.GraphQLError(message, { extensions: { errorClass, errorType: "developer_error", ...more } });
  /** @param {Input} input */
  const find = ({ transactionId }) => {
    const transaction = nodes.get(transactionId);
    if (transaction?.type === "Transaction") return transaction;
    throw error("NOT_FOUND", "An object with this ID was not found.", {
      inputPath: ["input", "transactionId"],
    });
  };
  /** @param {string} status */
  const transact =
    (status) =>
    /** @param {Input} input */
    ({ transaction }) => {
      const value = String(transaction.amount);
      if (!(Number(value) > 0)) {
        const inputPath = ["input", "transaction", "amount"];
        throw error("VALIDATION", "Amount must be greater than zero.", { legacyCode: "81531", inputPath });
      }
      return { transaction: create("Transaction", { amount: { value, currencyCode: "USD" }, status }) };
    };
  /** @param {"SINGLE_USE" | "MULTI_USE"} usage */
  const paymentMethod = (usage) => () => ({ paymentMethod: create("PaymentMethod", { usage }) });

  return {
    queries: {
      node: open((/** @type {{ id: string }} */ { id }, providerRequest) => {
        const node = nodes.get(id);
        providerRequest.requireBearer(node ? [FIND_SCOPES[node.type]] : []);
        if (!node) throw error("NOT_FOUND", "An object with this ID was not found.", { inputPath: ["id"] });
        return node;
      }),
    },
    mutations: {
      authorizeCreditCard: mutation("TRANSACTION_SALE", transact("AUTHORIZED")),
      authorizePaymentMethod: mutation("TRANSACTION_SALE", transact("AUTHORIZED")),
      authorizeVenmoAccount: mutation("TRANSACTION_SALE", transact("AUTHORIZED")),
      chargeCreditCard: mutation("TRANSACTION_CHARGE", transact("SUBMITTED_FOR_SETTLEMENT")),
      captureTransaction: mutation("TRANSACTION_MANAGE_SETTLEMENT", (input) => {
        const transaction = find(input);
        transaction.status = "SUBMITTED_FOR_SETTLEMENT";
        return { transaction };
      }),
      partialCaptureTransaction: mutation("TRANSACTION_MANAGE_SETTLEMENT", (input) => {
        const { amount } = find(input);
        return { capture: create("Transaction", { amount, status: "SUBMITTED_FOR_SETTLEMENT" }) };
      }),
      reverseTransaction: mutation("TRANSACTION_REVERSE", (input) => {
        const transaction = find(input);
        transaction.status = "VOIDED";
        return { reversal: transaction };
      }),
      refundTransaction: mutation("TRANSACTION_REFUND", (input) => ({
        refund: create("Refund", { amount: find(input).amount, status: "SUBMITTED_FOR_SETTLEMENT" }),
      })),
      createCustomer: mutation("CUSTOMER_CREATE", ({ customer }) => ({
        customer: create("Customer", { email: customer?.email }),
      })),
      tokenizeCreditCard: mutation("SINGLE_USE_PAYMENT_METHOD_CREATE", paymentMethod("SINGLE_USE")),
      tokenizeNetworkToken: mutation("SINGLE_USE_PAYMENT_METHOD_CREATE", paymentMethod("SINGLE_USE")),
      vaultPaymentMethod: mutation("PAYMENT_METHOD_VAULT", paymentMethod("MULTI_USE")),
      createVenmoPaymentContext: mutation("PAYMENT_CONTEXT_CREATE", () => ({
        venmoPaymentContext: create("VenmoPaymentContext", { status: "CREATED" }),
      })),
    },
    resolveType: (/** @type {Node} */ { type }) => type,
  };
}

/**
 * Every payload contains the clientMutationId of its input.
 * @param {string} scope
 * @param {(input: Input) => object} resolve
 */
function mutation(scope, resolve) {
  return withBearer([scope], (/** @type {{ input?: Input | null }} */ { input }) => ({
    ...resolve(input ?? {}),
    clientMutationId: input?.clientMutationId,
  }));
}
