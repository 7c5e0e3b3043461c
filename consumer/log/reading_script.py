"""What a reader asks of the index: scripts on the keys that `index_script.py` draws. They change nothing.

The law: a place in a list is found by halving, for its offsets rise and its times never fall.
"""

from typing import Final

from consumer.log.index_script import NUMBER

# KEYS: a list. `before(ms, offset)`: how many entries were logged before this time, or then and have a lower offset.
_BEFORE: Final = (
    NUMBER
    + """
local function before(ms, offset)
  local low, high = 0, redis.call('LLEN', KEYS[1])
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('LINDEX', KEYS[1], middle)
    local logged = number(entry, 7, 6)
    if logged < ms or (logged == ms and number(entry, 1, 6) < offset) then low = middle + 1 else high = middle end
  end
  return low
end
local count = before(tonumber(ARGV[1]), tonumber(ARGV[2]))
"""
)

# ARGV: a time, an offset, how many. Returns the last so many of the entries before these.
BEHIND: Final = (
    _BEFORE
    + """
if count == 0 then return {} end
return redis.call('LRANGE', KEYS[1], math.max(0, count - ARGV[3]), count - 1)
"""
)

# ARGV: as BEHIND. Returns the first so many of the others.
SINCE: Final = (
    _BEFORE
    + """
return redis.call('LRANGE', KEYS[1], count, count + ARGV[3] - 1)
"""
)

# ARGV: a time, an offset, another time. Returns the deliveries of the entries that are not before these, and were
# logged by then, without those that `entry.py: changes_nothing` of their delivery.
DELIVERIES: Final = (
    _BEFORE
    + """
local last = before(tonumber(ARGV[3]) + 1, 0)
if last <= count then return '' end
local ids = {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], count, last - 1)) do
  local bits = string.byte(entry, 22)
  local now = math.floor(bits / 4) % 8 == 3 and math.floor(bits / 64) % 2 == 0
  if not now or bits % 4 == 0 then ids[#ids + 1] = string.sub(entry, 24, 39) end
end
return table.concat(ids)
"""
)

# KEYS: seen. ARGV: from when, until when, how many at most. Returns members and times, the newest first.
LISTS: Final = """
return redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
"""

# KEYS: seen. ARGV: members. Returns their times.
TIMES: Final = "return redis.call('ZMSCORE', KEYS[1], unpack(ARGV))"

# KEYS: a hash.
ALL: Final = "return redis.call('HGETALL', KEYS[1])"

# KEYS: lists, and a list. ARGV: its field. Returns its oldest entry if it was ever cut.
OLDEST: Final = """
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value or string.match(value, '^%d+ %d+ (%d+)') == '0' then return '' end
return redis.call('LINDEX', KEYS[2], 0) or ''
"""
