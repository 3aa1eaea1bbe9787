/**
 * `graphql-token-manager/stores/encrypted`: any store, whose values only those can read who have the key.
 *
 * @module
 */

export { encrypted } from "./encrypted-store.js";
