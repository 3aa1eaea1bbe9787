/**
 * A store in Redis or Valkey, which machines share.
 *
 * @packageDocumentation
 */

import type { SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between machines, by Redis 5 or later or Valkey.
 *
 * Takes a client as it is, connected by you and closed by you: of `redis` (4 or later) by `createClient`, `createCluster`,
 * and from version 5 on `createClientPool` and `createSentinel`; of `ioredis` (5 or later) `Redis`, also with sentinels
 * or `keyPrefix`, and `Cluster`. An object that cannot work (a promise, a pipeline, a client in `legacyMode` or subscriber
 * mode, a replica, a client of another package) is refused with `invalid_options`, when the store is made where that
 * can be known, and else at the first use. All keys of an entry lie in one slot.
 *
 * Changes are announced over a second connection, made by the client's own `duplicate()` while something is watched
 * (a sentinel client of `redis` uses its own). Where it is lost, or the server or a proxy does not allow SUBSCRIBE, the
 * store reads every `pollMs`, and tries again after a pause that grows from 250 ms to a minute.
 *
 * - Fences grow by the server's clock also where they were lost: after FLUSHALL, an eviction or a failover.
 * - A failover may lose a lease that was not yet copied; two holders then have different fences, and the later writes.
 * - A lease whose release failed, as during a failover, does not keep its own holder waiting; others wait until it expires.
 * - While there is no connection, commands wait as the client is configured to let them.
 * - Errors name the server's error code (READONLY, NOPERM, OOM, …) and what it means, never the command.
 * - A `keyPrefix` of ioredis goes before `prefix`; one of `redis` 6 does not apply to this store's keys.
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
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IoredisClient;

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

/** A sentinel client of the package `redis`, from version 5 on. */
export interface NodeRedisSentinel {
  getSentinelNode(): any;
  sendCommand(isReadonly: any, words: any): Promise<any>;
}

/** A client or a cluster of the package `ioredis`, or of one with the same methods. */
export interface IoredisClient {
  call(command: string, ...words: any[]): Promise<any>;
  duplicate?(...options: any[]): any;
}
