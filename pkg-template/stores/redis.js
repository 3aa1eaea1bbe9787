/**
 * `graphql-token-manager/stores/redis`: what machines share, in Redis or Valkey.
 *
 * @module
 */

export { redisStore } from "./redis-store.js";
