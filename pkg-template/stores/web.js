/**
 * `graphql-token-manager/stores/web`: what the tabs of one origin share.
 *
 * @module
 */

export { indexedDbStore } from "./web-indexed-db.js";
export { webStorageStore } from "./web-storage.js";
