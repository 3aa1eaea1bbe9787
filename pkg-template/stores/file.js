/**
 * `graphql-token-manager/stores/file`: a store in a folder that the processes of one machine share.
 *
 * @module
 */

export { fileStore } from "./file-store.js";
