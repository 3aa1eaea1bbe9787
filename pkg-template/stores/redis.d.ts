/**
 * A store in Redis or Valkey that several machines share.
 *
 * @packageDocumentation
 */

import type { SharedStore } from "graphql-token-manager";

/**
 * Shares tokens between machines through Redis 5 or later, or Valkey.
 *
 * Accepts a client that the caller connects and closes: of the package `redis` (4 or later) `createClient`,
 * `createCluster`, and from version 5 on `createClientPool` and `createSentinel`; of `ioredis` (5 or later) `Redis`,
 * also with sentinels or `keyPrefix`, and `Cluster`. An unusable object (a promise, a pipeline, a client in
 * `legacyMode` or subscriber mode, a replica, a client of another package) is rejected with `invalid_options`: when
 * the store is created if that can be detected, otherwise at the first use. All keys of an entry are in one slot.
 *
 * Changes are announced over a second connection, created by the client's own `duplicate()` while a key is watched (a
 * sentinel client of `redis` uses its own). If the connection is lost, or the server or a proxy does not allow
 * SUBSCRIBE, the store polls every `pollMs` and reconnects after a delay that grows from 250 ms to a minute.
 *
 * - Fences grow by the server's clock even if they were lost: after FLUSHALL, an eviction or a failover.
 * - A failover may lose a lease that was not yet replicated. Two holders then have different fences, and the later one
 *   writes.
 * - A lease with a failed release, for example during a failover, does not delay its own holder; other holders wait
 *   until it expires.
 * - Without a connection, commands wait as configured in the client.
 * - Errors contain the server's error code (READONLY, NOPERM, OOM, …) and its meaning, never the command.
 * - A `keyPrefix` of ioredis is put before `prefix`; one of `redis` 6 does not apply to this store's keys.
 *
 * The server must allow the commands GETRANGE, SET, GET, DEL, PTTL, TIME, EVAL, PUBLISH and SUBSCRIBE for keys and the
 * channel that start with `prefix`.
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
   * Prefix of all keys and of the channel. Services that must not share tokens need different prefixes.
   *
   * @defaultValue `"graphql-token-manager:"`
   */
  prefix?: string | undefined;
  /**
   * Interval at which changes are polled while the subscription is interrupted.
   *
   * @defaultValue 2000 ms
   */
  pollMs?: number | undefined;
}

/** The parts of a client that are used. Clients of the packages `redis` and `ioredis` are compatible. */
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
