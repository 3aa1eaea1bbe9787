/**
 * Toggle's ordinary operations: products, and orders that create gift cards.
 *
 * They follow the documentation, with fewer fields and arguments. Amounts are in the smallest unit of the currency.
 *
 * @module
 */

import { randomDigits } from "./portable.js";
import { BoundedMap } from "./bounded-map.js";
import { withBearer } from "./provider-request.js";

/** @import { Engine } from "./service.js" */

const TYPE_DEFS = /* GraphQL */ `
  type Product {
    id: Int
    name: String
  }
  type Card {
    card_reference: String
    balance: Int
  }
  type LineItem {
    id: Int
    product_id: Int
    Card: Card
  }
  type Order {
    id: Int
    total: Int
    currency: String
    created_at: String
    LineItems: [LineItem]
  }
  type OrderPage {
    data: [Order]
  }
  input OrderItemInput {
    product_id: Int!
    custom_price_modifier_value: Int
  }
  extend type Query {
    Products(account_id: Int!): [Product]
    Orders(page: Int, limit: Int): OrderPage
  }
  type Mutation {
    createOrder(account_id: Int!, order_items: [OrderItemInput]!, total: Int!, currency: String!): Order
  }
`;

const PRODUCTS = [
  { id: 1, name: "In-store Gift" },
  { id: 2, name: "Dinner for two" },
];

/** @typedef {{ product_id: number, custom_price_modifier_value?: number | null }} OrderItem */
/** @typedef {{ order_items: (OrderItem | null)[], total: number, currency: string }} OrderArguments */

/** @param {{ now: () => number, engine: Engine }} parts */
export function toggleShop({ now, engine: { graphql } }) {
  const orders = new BoundedMap();
  let lastId = 0;

  /** @param {OrderArguments} args */
  const createOrder = ({ order_items, total, currency }) => {
    const items = order_items.filter((item) => item !== null);
    const validation = check(items, total);
    if (Object.keys(validation).length > 0)
      throw new graphql.GraphQLError("validation", { extensions: { validation } });
    const id = ++lastId;
    const order = {
      id,
      total,
      currency,
      // The format of the sample in the documentation of pagination.
      created_at: new Date(now()).toISOString().slice(0, 19).replace("T", " "),
      LineItems: items.map(({ product_id, custom_price_modifier_value }, index) => ({
        id: id * 1_000 + index,
        product_id,
        Card: {
          card_reference: randomDigits(12),
          balance: custom_price_modifier_value ?? total,
        },
      })),
    };
    orders.set(String(id), order);
    return order;
  };

  return {
    typeDefs: TYPE_DEFS,
    queries: {
      Products: withBearer([], () => PRODUCTS),
      Orders: withBearer(
        [],
        (/** @type {{ page?: number | null, limit?: number | null }} */ { page, limit }) => {
          const size = Math.max(1, limit ?? 10);
          const start = (Math.max(1, page ?? 1) - 1) * size;
          return { data: [...orders.values()].slice(start, start + size) };
        },
      ),
    },
    mutations: { createOrder: withBearer([], createOrder) },
  };
}

/**
 * @param {OrderItem[]} items
 * @param {number} total
 */
function check(items, total) {
  /** @type {Record<string, string[]>} */
  const validation = {};
  if (items.length === 0) validation.order_items = ["The order items field is required."];
  if (total < 0) validation.total = ["The total must be at least 0."];
  if (items.some(({ product_id }) => !PRODUCTS.some(({ id }) => id === product_id))) {
    validation["order_items.product_id"] = ["The selected product id is invalid."];
  }
  return validation;
}
