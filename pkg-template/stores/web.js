/**
 * `graphql-token-manager/stores/web`: stores that the tabs of one origin share.
 *
 * @module
 */

export { indexedDbStore } from "./web-indexed-db.js";
export { webStorageStore } from "./web-storage.js";
