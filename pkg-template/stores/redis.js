/**
 * `graphql-token-manager/stores/redis`: a store in Redis or Valkey, which several machines share.
 *
 * @module
 */

export { redisStore } from "./redis-store.js";
