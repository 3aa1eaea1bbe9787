/**
 * `graphql-token-manager/stores/encrypted`: encrypts the values of any store.
 *
 * @module
 */

export { encrypted } from "./encrypted-store.js";
