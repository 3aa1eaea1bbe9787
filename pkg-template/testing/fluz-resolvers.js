/**
 * Fluz's ordinary operations: offers, a wallet, and gift cards that can be bought and revealed.
 *
 * They follow the documentation, with fewer fields. No money is transferred.
 *
 * @module
 */

import { randomHex, randomUUID } from "./portable.js";
import { withBearer } from "./provider-request.js";
import { BoundedMap } from "./bounded-map.js";

/** @import { AccessToken } from "./tokens.js" */

const TYPE_DEFS = /* GraphQL */ `
  type Offer {
    offerId: UUID!
    merchant: String!
    "Reward, in percent of the amount."
    rewardValue: Float!
  }
  type Purchase {
    purchaseId: UUID!
    giftCardId: UUID!
    offerId: UUID!
    amount: Float!
    createdAt: String!
  }
  type Wallet {
    balance: Float!
    currency: String!
  }
  type ApiError {
    code: String!
    message: String!
  }
  input PurchaseGiftCardInput {
    "The same key within ten minutes gives the first answer again, and buys nothing."
    idempotencyKey: UUID!
    offerId: UUID!
    amount: Float!
  }
  type PurchaseGiftCardPayload {
    success: Boolean!
    error: ApiError
    purchase: Purchase
  }
  type RevealGiftCardPayload {
    success: Boolean!
    error: ApiError
    code: String
    pin: String
  }
  extend type Query {
    "Scope: LIST_OFFERS"
    getOffers(limit: Int): [Offer!]
    "Scope: LIST_PURCHASES"
    getUserPurchases: [Purchase!]
    "Scope: LIST_PAYMENT"
    getWallet: Wallet
  }
  extend type Mutation {
    "Scope: PURCHASE_GIFTCARD"
    purchaseGiftCard(input: PurchaseGiftCardInput!): PurchaseGiftCardPayload
    "Scope: REVEAL_GIFTCARD"
    revealGiftCard(giftCardId: UUID!): RevealGiftCardPayload
  }
`;

const OFFERS = [
  { offerId: "0c8a1a52-4b0e-4d3e-9e8e-1f0a5f6f0001", merchant: "Corner Coffee", rewardValue: 2.5 },
  { offerId: "0c8a1a52-4b0e-4d3e-9e8e-1f0a5f6f0002", merchant: "Book Harbour", rewardValue: 4 },
  { offerId: "0c8a1a52-4b0e-4d3e-9e8e-1f0a5f6f0003", merchant: "Green Grocer", rewardValue: 1 },
];

const BALANCE = 100;

/**
 * Time for which an idempotency key is remembered.
 *
 * Source: docs.fluz.app, "Idempotency Requests": ten minutes, and the first response is repeated even if it was a
 * failure.
 */
const IDEMPOTENCY_MS = 600_000;

/** @typedef {{ purchaseId: string, giftCardId: string, offerId: string, amount: number, createdAt: string, owner: string }} Purchase */
/** @typedef {{ idempotencyKey: string, offerId: string, amount: number }} PurchaseInput */
/** @typedef {{ success: boolean, error?: { code: string, message: string }, purchase?: Purchase }} PurchasePayload */

/** @param {{ now: () => number }} parts */
export function fluzShop({ now }) {
  /** @type {BoundedMap<Purchase>} */
  const purchases = new BoundedMap();
  /** @type {BoundedMap<{ at: number, payload: PurchasePayload }>} */
  const answered = new BoundedMap();

  /**
   * @param {PurchaseInput} input
   * @param {string} owner
   * @returns {PurchasePayload}
   */
  const buy = ({ offerId, amount }, owner) => {
    if (!OFFERS.some((offer) => offer.offerId === offerId.toLowerCase())) {
      return failure("OFFER-0001", "No such offer.");
    }
    if (!(amount > 0)) return failure("PURCHASE-0001", "The amount must be greater than zero.");
    if (amount > BALANCE) return failure("PURCHASE-0002", "The balance is too low for this amount.");
    const createdAt = new Date(now()).toISOString();
    const purchase = {
      purchaseId: randomUUID(),
      giftCardId: randomUUID(),
      offerId,
      amount,
      createdAt,
      owner,
    };
    purchases.set(purchase.giftCardId, purchase);
    return { success: true, purchase };
  };

  return {
    typeDefs: TYPE_DEFS,
    queries: {
      getOffers: withBearer(["LIST_OFFERS"], (/** @type {{ limit?: number | null }} */ { limit }) =>
        OFFERS.slice(0, Math.max(0, limit ?? OFFERS.length)),
      ),
      getUserPurchases: withBearer(["LIST_PURCHASES"], (_args, token) =>
        [...purchases.values()].filter(({ owner }) => owner === token.subject),
      ),
      getWallet: withBearer(["LIST_PAYMENT"], () => ({ balance: BALANCE, currency: "USD" })),
    },
    mutations: {
      purchaseGiftCard: withBearer(
        ["PURCHASE_GIFTCARD"],
        (/** @type {{ input: PurchaseInput }} */ { input }, /** @type {AccessToken} */ { subject }) => {
          const key = `${subject} ${input.idempotencyKey.toLowerCase()}`;
          const earlier = answered.get(key);
          if (earlier && now() < earlier.at + IDEMPOTENCY_MS) return earlier.payload;
          const payload = buy(input, subject);
          answered.set(key, { at: now(), payload });
          return payload;
        },
      ),
      revealGiftCard: withBearer(
        ["REVEAL_GIFTCARD"],
        (/** @type {{ giftCardId: string }} */ { giftCardId }, { subject }) => {
          const purchase = purchases.get(giftCardId.toLowerCase());
          if (purchase?.owner !== subject) return failure("GIFTCARD-0001", "No such gift card.");
          return { success: true, code: randomHex(8).toUpperCase(), pin: "0000" };
        },
      ),
    },
  };
}

/**
 * Returns a business failure, which is part of the payload and not of `errors`.
 * @param {string} code
 * @param {string} message
 */
function failure(code, message) {
  return { success: false, error: { code, message } };
}
