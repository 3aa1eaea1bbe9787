// What the server does in one step. Scripts of Redis 5 and later, and of Valkey.
//
// Keys are declared, and of one slot. Notices are sent by `pcall`: whoever may not publish may still write, and the
// others find the change when they look.

/** How long a fence outlives its last use, in ms: 30 days. After that, only the time keeps the next one higher. */
const FENCE_MS = 30 * 24 * 3_600_000;

/**
 * Reads fences and leases. A fence is a whole number below 2^53, the largest that Lua and JavaScript count without gaps;
 * anything else under its key is damage, and `fence_in` returns nil. A lease is its owner and its fence, so that a damaged
 * fence can be restored from the lease while that is held.
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
 * A former owner is a name under which the same holder had the lease, whose release was not confirmed.
 *
 * The time, in microseconds, is the floor of fences, so that they grow where the last one was lost or damaged: by FLUSHALL, by
 * eviction, by a failover before it was copied, or by another program.
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
 * KEYS token, fence, lease; ARGV value, ms, fence or nothing, channel, notice. Returns 0 if a later lease was granted.
 *
 * Where the stored fence is damaged, it is not known which lease was the last: only the one that is held now may write.
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
