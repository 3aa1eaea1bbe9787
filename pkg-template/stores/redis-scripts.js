// What the server does in one step. Scripts of Redis 5 and later, and of Valkey.
//
// Keys are declared, and of one slot. Notices are sent by `pcall`: whoever may not publish may still write, and the
// others find the change when they look.

/** How long a fence outlives its last use, in ms: 30 days. After that, only the time keeps the next one higher. */
const FENCE_MS = 30 * 24 * 3_600_000;

/**
 * KEYS lease, fence; ARGV owner, ms, former owners. Gives the fence as text, or 0 if the lease is taken.
 *
 * A former owner is a name under which the same holder had the lease, whose release was not confirmed.
 *
 * The time, in microseconds, is the floor of fences, so that they grow where the last one was lost: by FLUSHALL, by eviction, or by a
 * failover before it was copied.
 */
export const ACQUIRE = `
local left = redis.call('PTTL', KEYS[1])
if left >= 0 then
  local owner = redis.pcall('GET', KEYS[1])
  local own = false
  for index = 3, #ARGV do own = own or owner == ARGV[index] end
  if not own then return '0' end
  redis.call('DEL', KEYS[1])
end
local time = redis.call('TIME')
local last = redis.pcall('GET', KEYS[2])
if type(last) ~= 'string' then last = '0' end
local fence = math.max((tonumber(last) or 0) + 1, time[1] * 1000000 + time[2])
fence = string.format('%.0f', fence)
if left == -1 then redis.call('DEL', KEYS[1]) end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return '0' end
redis.call('SET', KEYS[2], fence, 'PX', '${FENCE_MS}')
return fence`;

/** KEYS lease; ARGV owner. */
export const RELEASE = `
local owner = redis.pcall('GET', KEYS[1])
if owner == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * KEYS token, fence; ARGV value, ms, fence or nothing, channel, notice. Gives 0 if a later lease was granted.
 */
export const SET = `
if ARGV[3] ~= '' then
  local last = redis.pcall('GET', KEYS[2])
  if type(last) ~= 'string' then last = '0' end
  last = tonumber(last) or 0
  local fence = tonumber(ARGV[3])
  if last > fence then return 0 end
  if last < fence then redis.call('SET', KEYS[2], ARGV[3], 'PX', '${FENCE_MS}') end
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[1])
end
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
return 1`;

/** KEYS token; ARGV channel, notice. */
export const DELETE = `
if redis.call('DEL', KEYS[1]) == 1 then redis.pcall('PUBLISH', ARGV[1], ARGV[2]) end
return 1`;
