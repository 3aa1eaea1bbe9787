// Lua scripts that the server runs atomically, for Redis 5 or later and Valkey.
//
// All keys are declared and in one slot. Notices are sent by `pcall`: a user without permission to publish may still
// write, and other holders find the change when they poll.

/**
 * Lifetime of a fence after its last use, in ms: 30 days. After that, only the server's time makes the next one
 * higher.
 */
const FENCE_MS = 30 * 24 * 3_600_000;

/**
 * Reads fences and leases. A fence is an integer below 2^53, up to which Lua and JavaScript represent integers
 * exactly. Any other value of its key is damaged, and `fence_in` returns nil. A lease consists of its owner and its
 * fence, so that a damaged fence can be restored from the lease while that is held.
 */
const FENCES = `
local function fence_in(text)
  if type(text) ~= 'string' or not string.find(text, '^%d+$') or #text > 16 then return nil end
  local fence = tonumber(text)
  if fence >= 9007199254740991 then return nil end
  return fence
end
local function stored_fence()
  local text = redis.pcall('GET', KEYS[2])
  if text == false then return 0 end
  return fence_in(text)
end
local function lease_owner()
  local held = redis.pcall('GET', KEYS[1])
  return type(held) == 'string' and string.match(held, '^(.*) %d+$') or nil
end
local function next_fence(last)
  local time = redis.call('TIME')
  return math.max(last + 1, time[1] * 1000000 + time[2])
end
local function put_fence(fence)
  fence = string.format('%.0f', fence)
  redis.call('SET', KEYS[2], fence, 'PX', '${FENCE_MS}')
  return fence
end`;

/**
 * KEYS lease, fence; ARGV owner, ms, former owners. Returns the fence as text, or 0 if the lease is taken.
 *
 * A former owner is a name under which the same holder requested the lease before, and whose release was not
 * confirmed.
 *
 * A fence is at least the server's time in microseconds, so that fences also grow if the last one was lost or damaged:
 * by FLUSHALL, an eviction, a failover before it was replicated, or another program.
 */
export const ACQUIRE = `${FENCES}
local left = redis.call('PTTL', KEYS[1])
if left >= 0 then
  local owner = lease_owner()
  local own = false
  for index = 3, #ARGV do own = own or owner == ARGV[index] end
  if not own then return '0' end
end
if left ~= -2 then redis.call('DEL', KEYS[1]) end
local fence = put_fence(next_fence(stored_fence() or 0))
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. fence, 'PX', ARGV[2])
return fence`;

/** KEYS lease; ARGV owner. */
export const RELEASE = `${FENCES}
if lease_owner() == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * KEYS token, fence, lease; ARGV value, ms, fence or empty, channel, notice. Returns 0 if a later lease was granted.
 *
 * If the stored fence is damaged, the last lease is unknown: only the lease that is currently held may write.
 */
export const SET = `${FENCES}
if ARGV[3] ~= '' then
  local fence = tonumber(ARGV[3])
  local last = stored_fence()
  if last == nil then
    local held = redis.pcall('GET', KEYS[3])
    last = type(held) == 'string' and fence_in(string.match(held, ' (%d+)$')) or next_fence(0)
    put_fence(last)
  end
  if last > fence then return 0 end
  if last < fence then put_fence(fence) end
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
