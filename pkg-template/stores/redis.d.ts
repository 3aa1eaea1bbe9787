/**
 * A store in Redis or Valkey, which machines share.
 *
 * @packageDocumentation
 */

import type { SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between machines, by Redis 5 or later or Valkey.
 *
 * Takes a client of `redis` (4 or later) or of `ioredis` (5 or later) as it is, single or of a cluster, connected by you
 * and closed by you. All keys of an entry lie in one slot. Changes are told over a second connection, made by the
 * client's own `duplicate()` while something is watched; where that is not possible, the store looks every `pollMs`.
 *
 * - Fences grow by the server's clock also where they were lost: after FLUSHALL, an eviction or a failover.
 * - A failover may lose a lease that was not yet copied; two holders then have different fences, and the later writes.
 * - While there is no connection, commands wait as the client is configured to let them.
 * - Errors name what the server said by its code alone, never the command.
 *
 * The server needs the commands GETRANGE, SET, GET, DEL, PTTL, TIME, EVAL, PUBLISH and SUBSCRIBE for keys and the channel
 * that start with `prefix`.
 *
 * @example
 * ```ts
 * import { redisStore, type NodeRedisClient } from "graphql-token-manager/stores/redis";
 *
 * declare const client: NodeRedisClient; // await createClient({ url }).connect()
 * const store = redisStore(client, { prefix: "my-service:tokens:" });
 * ```
 */
export function redisStore(client: RedisClient, options?: RedisStoreOptions): SharedStore;

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * What all keys, and the channel, start with. Services that are not to share tokens need different ones.
   *
   * @defaultValue `"graphql-token-manager:"`
   */
  prefix?: string | undefined;
  /**
   * How often to look for changes while none can be heard.
   *
   * @defaultValue 2000 ms
   */
  pollMs?: number | undefined;
}

/** What is used of a client; those of the packages `redis` and `ioredis` fit. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | IoredisClient;

/** A client or a pool of the package `redis`. */
export interface NodeRedisClient {
  sendCommand(words: any): Promise<any>;
  duplicate?(...options: any[]): any;
}

/** A cluster of the package `redis`. */
export interface NodeRedisCluster {
  readonly slots: any;
  sendCommand(firstKey: any, isReadonly: any, words: any): Promise<any>;
  duplicate?(...options: any[]): any;
}

/** A client or a cluster of the package `ioredis`, or of one with the same methods. */
export interface IoredisClient {
  call(command: string, ...words: any[]): Promise<any>;
  duplicate?(...options: any[]): any;
}
