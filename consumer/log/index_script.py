"""The functions of `index.py` for Redis: one script each, on the keys of one bucket of tenants.

    <prefix>:log:{b017}:at                       hash   <partition>        first and end of its interval
                                                        <partition>:since  when its first attempt was logged, ms
    <prefix>:log:{b017}:lists:<partition>        hash   <kind>:<webhook>   the list's entries, bytes, floor and
                                                                           newest, as `index.Kept` has them
    <prefix>:log:{b017}:p:<webhook>:<partition>  list   plain entries, the oldest first
    <prefix>:log:{b017}:e:<webhook>:<partition>  list   eventful ones
    <prefix>:log:{b017}:seen:p:<brand>:<tenant>  zset   <webhook>:<partition>, by when its newest entry was logged:
    <prefix>:log:{b017}:seen:e:<brand>:<tenant>         which lists a tenant has

The law: step by step this is what `Index` does, for whoever knows the interval. A property test compares them on a
real Redis. A script may be repeated: it finds another interval then, and does nothing. The entries of one list that
come together rise by their times already (`index.rising`).

A list that `lists` does not know is of a former index, and is begun anew. Lua has room for some thousand values on its
stack, so entries go in slices.
"""

from typing import Final

from consumer.log.entry import BEGUN_MOST_MS
from consumer.log.index import SLACK

SLICE: Final = 2_000

_NUMBERS: Final = f"""
local SLICE, SLACK, BEGUN_MOST = {SLICE}, {SLACK}, {BEGUN_MOST_MS}
"""

NUMBER: Final = """
local function number(entry, first, bytes)
  local value = 0
  for i = first, first + bytes - 1 do value = value * 256 + string.byte(entry, i) end
  return value
end
"""
"""`number(entry, first, bytes)`: a big-endian number of an entry, by its first byte, counted from 1."""

# KEYS: at, lists. ARGV: the partition, the interval that is known ('' for none), the one from now on, how many ms the
# keys are kept, when the interval's first attempt was logged ('' leaves it).
_HEAD: Final = (
    NUMBER
    + """
local at, lists, partition, known, wanted, kept_for = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local function text(number) return string.format('%.0f', number) end
local function packed(value, bytes)
  local characters = {}
  for i = bytes, 1, -1 do
    characters[i] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(characters)
end
local function logged(entry) return number(entry, 7, 6) end
local function moved(entry, at_ms)
  local begun = math.min(math.max(0, number(entry, 13, 4) + at_ms - logged(entry)), BEGUN_MOST)
  return string.sub(entry, 1, 6) .. packed(at_ms, 6) .. packed(begun, 4) .. string.sub(entry, 17)
end
local function of(list, field)
  local value = redis.call('HGET', lists, field)
  if value then
    local bytes, floor, newest = string.match(value, '^%d+ (%d+) (%d+) (%d+)$')
    local length = redis.call('LLEN', list)
    if length == 0 then bytes = 0 end -- it expired
    return {length = length, bytes = tonumber(bytes), floor = tonumber(floor), newest = tonumber(newest)}
  end
  redis.call('UNLINK', list)
  return {length = 0, bytes = 0, floor = 0, newest = 0}
end
local function put(field, each)
  local value = table.concat({text(each.length), text(each.bytes), text(each.floor), text(each.newest)}, ' ')
  redis.call('HSET', lists, field, value)
  return value
end
local function cut(list, each, most)
  local gone = each.length - most
  if gone <= 0 then return end
  local entries = redis.call('LPOP', list, gone)
  for _, entry in ipairs(entries) do each.bytes = each.bytes - #entry end
  each.floor = number(entries[gone], 1, 6) + 1
  each.length = most
end
local function push(command, list, entries)
  for first = 1, #entries, SLICE do
    redis.call(command, list, unpack(entries, first, math.min(first + SLICE - 1, #entries)))
  end
end
local function seen(key, member, each)
  redis.call('ZADD', key, 'GT', text(each.newest), member)
  redis.call('PEXPIRE', key, kept_for)
end
local found = redis.call('HGET', at, partition) or ''
"""
)

_IF_KNOWN: Final = """
if found ~= known then return {found} end
"""

# Returns the interval found, and what the lists hold, as their fields of `lists` say it.
_DONE: Final = """
redis.call('HSET', at, partition, wanted)
if ARGV[5] ~= '' then redis.call('HSET', at, partition .. ':since', ARGV[5]) end
redis.call('PEXPIRE', at, kept_for)
redis.call('PEXPIRE', lists, kept_for)
"""

# ARGV: beside the head's, the lists' common prefix.
BEGIN: Final = (
    _NUMBERS
    + _HEAD
    + """
if found ~= '' then return {found} end
for _, field in ipairs(redis.call('HKEYS', lists)) do
  redis.call('UNLINK', ARGV[6] .. field .. ':' .. partition)
end
redis.call('UNLINK', lists)
"""
    + _DONE
    + "return {found}"
)

# For each list: KEYS: it, and `seen`. ARGV: its field, its member of `seen`, how many it keeps, how many come, and
# those, the oldest first.
APPEND: Final = (
    _NUMBERS
    + _HEAD
    + _IF_KNOWN
    + """
local told, key, arg = {found}, 3, 6
while arg <= #ARGV do
  local list, field, member = KEYS[key], ARGV[arg], ARGV[arg + 1]
  local most, count = tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3])
  local each, new = of(list, field), {}
  local least = 0
  if each.length > 0 then least = logged(redis.call('LINDEX', list, -1)) end
  for i = 1, count do
    local entry = ARGV[arg + 3 + i]
    if least > 0 then
      if logged(entry) < least then entry = moved(entry, least) else least = 0 end
    end
    new[i] = entry
    each.bytes = each.bytes + #entry
  end
  push('RPUSH', list, new)
  each.length = each.length + #new
  each.newest = logged(new[#new])
  if each.length > most + math.floor(most / SLACK) then cut(list, each, most) end
  redis.call('PEXPIRE', list, kept_for)
  seen(KEYS[key + 1], member, each)
  told[#told + 1] = put(field, each)
  key, arg = key + 2, arg + 4 + count
end
"""
    + _DONE
    + "return told"
)

# APPEND where nothing is added, of several buckets at once; in a cluster they are in several slots.
# KEYS: of each: at, lists. ARGV: the partition, how many ms the keys are kept, and of each: the interval that is known,
# the one from now on. Returns the interval found of each.
ADVANCE: Final = """
local told = {}
for i = 1, #KEYS / 2 do
  local at, lists, known, wanted = KEYS[2 * i - 1], KEYS[2 * i], ARGV[2 * i + 1], ARGV[2 * i + 2]
  told[i] = redis.call('HGET', at, ARGV[1]) or ''
  if told[i] == known then
    redis.call('HSET', at, ARGV[1], wanted)
    redis.call('PEXPIRE', at, ARGV[2])
    redis.call('PEXPIRE', lists, ARGV[2])
  end
end
return told
"""

# As APPEND, but the newest comes first.
PREPEND: Final = (
    _NUMBERS
    + _HEAD
    + _IF_KNOWN
    + """
local told, key, arg = {found}, 3, 6
while arg <= #ARGV do
  local list, field, member = KEYS[key], ARGV[arg], ARGV[arg + 1]
  local most, count = tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3])
  local each, new = of(list, field), {}
  if each.floor == 0 then
    local fits = math.min(count, math.max(0, most - each.length))
    local latest
    if each.length > 0 then latest = logged(redis.call('LINDEX', list, 0)) end
    for i = 1, fits do
      local entry = ARGV[arg + 3 + i]
      if latest then
        if logged(entry) > latest then entry = moved(entry, latest) else latest = nil end
      end
      new[i] = entry
      each.bytes = each.bytes + #entry
    end
    if fits < count then
      if fits > 0 then each.floor = number(new[fits], 1, 6) else each.floor = tonumber(string.match(known, '^%d+')) end
    end
    push('LPUSH', list, new)
    if each.length == 0 and fits > 0 then each.newest = logged(new[1]) end
    each.length = each.length + fits
    if fits > 0 then
      redis.call('PEXPIRE', list, kept_for)
      seen(KEYS[key + 1], member, each)
    end
    put(field, each)
  end
  told[#told + 1] = redis.call('HGET', lists, field)
  key, arg = key + 2, arg + 4 + count
end
"""
    + _DONE
    + "return told"
)

# For each list: KEYS: it. ARGV: its field, how many it keeps; where it keeps none it is forgotten.
CUT: Final = (
    _NUMBERS
    + _HEAD
    + _IF_KNOWN
    + """
local told, key = {found}, 3
for arg = 6, #ARGV, 2 do
  local list, field, most = KEYS[key], ARGV[arg], tonumber(ARGV[arg + 1])
  local each = of(list, field)
  if most == 0 then
    redis.call('UNLINK', list)
    redis.call('HDEL', lists, field)
    told[#told + 1] = ''
  else
    cut(list, each, most)
    told[#told + 1] = put(field, each)
  end
  key = key + 1
end
return told
"""
)
