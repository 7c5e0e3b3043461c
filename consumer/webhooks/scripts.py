"""The Lua scripts of the cache: each is one atomic step on one bucket, so each runs in one slot of a cluster.

One of them, BEAT, takes several buckets where there is no cluster: all are beaten every second.

The law: a write happens only where the bucket is as its writer left it (its owner, epoch, applied offsets and beat);
anything else is a `mismatch`, which rebuilds the bucket, or `superseded`, which ends the writer. A writer may repeat a
step whose answer it never saw.

A key of a type that is none of ours is a hole too: it is met with `pcall` and TYPE, never with an error.

A bucket with `epoch` may be read; one with `building` is being filled and may not.
"""

from typing import Final

OK: Final = b"ok"
MISMATCH: Final = b"mismatch"
SUPERSEDED: Final = b"superseded"
THERE: Final = b"there"

# A bucket's owner, epoch, building, at and beat; or nothing, and why it is not as this owner left it.
_STANDING = """
local function standing(bucket, owner, epoch)
  local held = redis.pcall('HMGET', bucket, 'owner', 'epoch', 'building', 'at', 'beat', 'broken')
  if held.err or not held[1] then return nil, 'mismatch' end
  if held[1] ~= owner then return nil, 'superseded' end
  if (held[2] or held[3]) ~= epoch or held[6] then return nil, 'mismatch' end
  return held
end
"""

# KEYS: bucket, tenants, lost  ARGV: owner, new epoch
# Take the bucket over: nobody reads it until its new owner has caught up, and the old owner's writes fail.
# Returns at, lost (id, tenant, …); at is false where the bucket cannot be carried on.
CLAIM: Final = """
local held = redis.pcall('HMGET', KEYS[1], 'epoch', 'building', 'at', 'listed', 'broken')
if held.err then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'beat', '0')
redis.call('HDEL', KEYS[1], 'epoch', 'building')
local whole = (held[1] or held[2]) and held[3] and not held[5]
local lost = redis.pcall('HGETALL', KEYS[3])
if not whole or lost.err or redis.pcall('HLEN', KEYS[2]) ~= tonumber(held[4]) then return {false, {}} end
redis.call('HSET', KEYS[1], 'building', ARGV[2])
return {held[3], lost}
"""

# KEYS: bucket, tenants, lost  ARGV: owner
# Begin a rebuild: forget everything but the owner.
CLEAR: Final = """
local owner = redis.pcall('HGET', KEYS[1], 'owner')
if type(owner) == 'string' and owner ~= ARGV[1] then return 'superseded' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('HSET', KEYS[1], 'owner', ARGV[1])
return 'ok'
"""

# KEYS: bucket  ARGV: owner, epoch, at
# Found the cleared bucket under a new epoch.
FOUND: Final = """
local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'building')
if not held[1] then return 'mismatch' end
if held[1] ~= ARGV[1] then return 'superseded' end
if held[2] or (held[3] and held[3] ~= ARGV[2]) then return 'mismatch' end
redis.call('HSET', KEYS[1], 'building', ARGV[2], 'at', ARGV[3], 'beat', '0', 'seq', '0', 'listed', '0')
return 'ok'
"""

# KEYS: per subscription: tenant, gone  ARGV: its id
# Returns of each its record and the revision of its deletion, as far as they are there; where a key is of another type,
# an empty record, which none is.
KNOWN: Final = """
local found = {}
local function strange(answer) return type(answer) == 'table' and answer.err end
for i = 1, #ARGV do
  local record, gone = redis.pcall('HGET', KEYS[2 * i - 1], ARGV[i]), redis.pcall('GET', KEYS[2 * i])
  for _, each in ipairs({record, gone}) do
    if strange(each) and not string.find(each.err, 'WRONGTYPE', 1, true) then return each end
  end
  if strange(record) or strange(gone) then record, gone = '', false end
  found[2 * i - 1], found[2 * i] = record, gone
end
return found
"""

# KEYS: bucket, tenants, lost, then per change: tenant, gone
# ARGV: owner, epoch, at as it was, at as a beat without an answer may have left it, at as it will be,
#       seconds a deletion is remembered, '1' to write only where nothing is known of any of them yet ('there' if
#       something is), then per change: kind, tenant, id, value
WRITE: Final = (
    _STANDING
    + """
local held, wrong = standing(KEYS[1], ARGV[1], ARGV[2])
if wrong then return wrong end
if held[4] == ARGV[5] then return 'ok' end
if held[4] ~= ARGV[3] and held[4] ~= ARGV[4] then return 'mismatch' end
for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= 'hash' and (i < 4 or i % 2 == 0) then return 'mismatch' end
end
local many = (#ARGV - 7) / 4
if ARGV[7] == '1' then
  for i = 0, many - 1 do
    if redis.call('HEXISTS', KEYS[4 + 2 * i], ARGV[10 + 4 * i]) == 1 or redis.call('EXISTS', KEYS[5 + 2 * i]) == 1 then
      return 'there'
    end
  end
end
for i = 0, many - 1 do
  local tenant_key, gone_key = KEYS[4 + 2 * i], KEYS[5 + 2 * i]
  local kind, tenant, id, value = ARGV[8 + 4 * i], ARGV[9 + 4 * i], ARGV[10 + 4 * i], ARGV[11 + 4 * i]
  if kind == 'lost' then
    redis.call('HSET', KEYS[3], id, tenant)
  else
    redis.call('HDEL', KEYS[3], id)
    if kind == 'set' then
      redis.call('HSET', tenant_key, id, value)
    else
      redis.call('HDEL', tenant_key, id)
      redis.call('SET', gone_key, value, 'EX', ARGV[6])
    end
    local version = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    if redis.call('EXISTS', tenant_key) == 1 then
      redis.call('HSET', KEYS[2], tenant, version)
    else
      redis.call('HDEL', KEYS[2], tenant)
    end
  end
end
redis.call('HSET', KEYS[1], 'at', ARGV[5], 'listed', redis.call('HLEN', KEYS[2]))
return 'ok'
"""
)

# KEYS: buckets  ARGV: of each: owner, epoch, at as it was, at as it will be, beat as it was, '1' to open it to readers
# Returns an answer for each. In a cluster it is given one bucket, for they are in several slots.
# One beat older than the writer's own is a replica that missed something; one newer is an answer never seen.
BEAT: Final = (
    _STANDING
    + """
local time = redis.call('TIME')
local now_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local function beaten(bucket, owner, epoch, at, next_at, beat, may_open)
  local held, wrong = standing(bucket, owner, epoch)
  if wrong then return wrong end
  local ahead = tonumber(held[5]) - tonumber(beat)
  if ahead < 0 or ahead > 1 then return 'mismatch' end
  if held[4] ~= at and held[4] ~= next_at then return 'mismatch' end
  redis.call('HSET', bucket, 'beat', string.format('%d', tonumber(beat) + 1), 'beat_ms', now_ms, 'at', next_at)
  if may_open == '1' and held[3] then
    redis.call('HSET', bucket, 'epoch', held[3])
    redis.call('HDEL', bucket, 'building')
  end
  return 'ok'
end
local answers = {}
for i = 1, #KEYS do answers[i] = beaten(KEYS[i], unpack(ARGV, 6 * i - 5, 6 * i)) end
return answers
"""
)

# KEYS: bucket, tenants, tenant  ARGV: tenant, version known or ''
# Returns state, epoch, beat, its age in ms, version, records. A hole is reported to the projection as `broken`.
READ: Final = """
local held = redis.pcall('HMGET', KEYS[1], 'epoch', 'beat', 'beat_ms', 'listed', 'broken')
if held.err then return {'broken'} end
if not held[1] or not held[3] then return {'closed'} end
local version = redis.pcall('HGET', KEYS[2], ARGV[1])
local whole = redis.pcall('HLEN', KEYS[2]) == tonumber(held[4])
if held[5] or not whole or (version and redis.call('TYPE', KEYS[3]).ok ~= 'hash') then
  redis.call('HSET', KEYS[1], 'broken', '1')
  return {'broken'}
end
local time = redis.call('TIME')
local age_ms = time[1] * 1000 + math.floor(time[2] / 1000) - held[3]
local full = held[1] .. ':' .. (version or '0')
local answer = {'loaded', held[1], held[2], string.format('%.0f', age_ms), full, {}}
if full == ARGV[2] then
  answer[1] = 'unchanged'
elseif version and redis.call('HLEN', KEYS[3]) > tonumber(ARGV[3]) then
  answer[1] = 'many'
elseif version then
  answer[6] = redis.call('HVALS', KEYS[3])
end
return answer
"""
