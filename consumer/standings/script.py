"""The rule of `delivery/exchange.py` for Redis: one hash for each webhook, one script for each report.

    <prefix>standing:{<webhook's id>}   :            `state.State`: the values of STATE, then of probe and teller
                                        <process>    `state.Member`: the values of MEMBER

Values are numbers with a space between: a field for each of them took twice the memory.

The law: step by step this is `exchange.exchange`, in the same order and with the same arithmetic
(`tests/integration/test_standings.py` compares them on a real Redis). It runs under its own clock, and may be repeated:
see `delivery/standing.py`.

The braces in the key are a cluster's hash tag. A hash of another type is met with `pcall`, and is begun anew.
"""

from typing import Final

from consumer.delivery.exchange import (
    ASK_AGAIN_MS,
    CALM_FOR_MS,
    GONE_AFTER_MS,
    IN_LINE_MS,
    LONG_MS,
    SET_BACK_MS,
    SURE_AFTER_MS,
    TURN_MS,
)
from consumer.delivery.standing import AHEAD_MS, FORWARD_AHEAD_MS, LEASE_FOR_MS, PERMIT_FOR_MS

KEPT_FOR_MS: Final = 600_000
"""How long a webhook's standing is kept after the last report, and after all that it says will come."""

STATE: Final = ":"
"""The state's field. Its first values: how many wait, until when in ms since 1970, and how many keys have stopped."""

_TIME: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
"""

_NUMBERS: Final = f"""
local LEASE, PERMIT, AHEAD, FORWARD_AHEAD = {LEASE_FOR_MS}, {PERMIT_FOR_MS}, {AHEAD_MS}, {FORWARD_AHEAD_MS}
local TURN, IN_LINE, ASK_AGAIN, SET_BACK = {TURN_MS}, {IN_LINE_MS}, {ASK_AGAIN_MS}, {SET_BACK_MS}
local LONG, SURE_AFTER, CALM_FOR, GONE_AFTER = {LONG_MS}, {SURE_AFTER_MS}, {CALM_FOR_MS}, {GONE_AFTER_MS}
local KEPT, MOST_KEPT = {KEPT_FOR_MS}, {30 * 86_400_000}
"""

# KEYS: the hash. ARGV: the process, then the report's fields as REPORT names them; '' is none.
_RULE: Final = """
local STATE = {'waiting', 'until', 'blocked', 'at', 'revision', 'rate', 'max', 'tat', 'pace', 'ahead', 'level',
  'open_until', 'early_from', 'failing', 'answered', 'accepted', 'recovered', 'probe_until', 'otherwise', 'telling',
  'told', 'teller_until'}
local MEMBER = {'seen', 'number', 'want', 'wants', 'lease', 'turn', 'hungry', 'pace', 'slots', 'waits', 'blocked',
  'tat', 'tat_after'}
local REPORT = {'revision', 'rate', 'max', 'heard', 'want', 'want_forward', 'permits', 'flying', 'places', 'pace',
  'slots', 'slots_heard', 'horizon', 'waits', 'waits_heard', 'until', 'blocked', 'answered', 'accepted', 'failing',
  'level', 'open_for', 'early_for', 'early', 'probing', 'told'}
local max, min, floor = math.max, math.min, math.floor
local function text(number) return string.format('%.17g', number) end

local process, report = ARGV[1], {}
for i, name in ipairs(REPORT) do report[name] = tonumber(ARGV[i + 1]) end

local function read(names, value)
  local found, at = {}, 1
  for word in string.gmatch(value, '%S+') do
    local name = names[at]
    if name then found[name] = tonumber(word) else found[at - #names] = word end
    at = at + 1
  end
  return found
end
local function written(names, values)
  local words = {}
  for at, name in ipairs(names) do words[at] = text(values[name]) end
  return table.concat(words, ' ')
end
local function none(names)
  local found = {}
  for _, name in ipairs(names) do found[name] = 0 end
  return found
end

-- the state
local state, members, names, gone = none(STATE), {}, {}, {}
state.revision, state.level, state.probe, state.teller = -1, -1, '', ''
local new = state
local held = redis.pcall('HGETALL', KEYS[1])
if held.err then
  redis.call('DEL', KEYS[1])
  held = {}
end
for i = 1, #held, 2 do
  if held[i] == ':' then
    state = read(STATE, held[i + 1])
    state.probe, state.teller = string.sub(state[1], 2), string.sub(state[2], 2)
  else
    members[held[i]] = read(MEMBER, held[i + 1])
  end
end
if now < state.at - SET_BACK then
  state, members = new, {}
  redis.call('DEL', KEYS[1])
end
if state.at == 0 then
  state.telling = 2 * floor(now / 1000)
  state.told = state.telling
end
now = max(now, state.at)

-- what ended meanwhile ends
local function rate()
  if state.rate > 0 and state.pace > 0 then return min(state.rate, state.pace) end
  return max(state.rate, state.pace)
end
for name, each in pairs(members) do
  if now - each.seen > LEASE then gone[#gone + 1] = name end
end
for _, name in ipairs(gone) do
  members[name] = nil
  redis.call('HDEL', KEYS[1], name)
end
state.ahead = max(0, state.ahead - rate() * (now - state.at) / 1000)
state.at = now

-- the limits
if report.revision > state.revision then
  state.revision, state.probe = report.revision, ''
  if state.level >= 0 then state.level, state.open_until, state.early_from = 0, now, now end
  state.max = report.max or 0
  local rate_per_s = report.rate or 0
  if rate_per_s ~= state.rate then state.rate, state.tat = rate_per_s, now end
end

-- who reports
local member = members[process]
local back = not member and report.heard > 0
if not member then
  member = none(MEMBER)
  member.number, member.slots, member.waits = report.heard, report.slots_heard, report.waits_heard
  members[process] = member
end
for name in pairs(members) do names[#names + 1] = name end
table.sort(names)
member.seen, member.want, member.wants = now, report.want, report.want + report.want_forward
member.pace = report.pace
local paces = 0
for _, name in ipairs(names) do paces = paces + members[name].pace end
if paces > 0 then state.pace = paces end
state.ahead = max(0, state.ahead + report.slots - member.slots)
member.slots = report.slots
if back then
  state.ahead = max(state.ahead, report.horizon * rate() / 1000)
  if state.rate > 0 then state.tat = max(state.tat, now) + report.permits * 1000 / state.rate end
end

-- who waits
if now > state['until'] + GONE_AFTER then state.waiting = 0 end
state.waiting = max(0, state.waiting + report.waits - member.waits)
member.waits = report.waits
if report['until'] > 0 then state['until'] = max(state['until'], now + report['until']) end
if state.waiting == 0 then state['until'] = 0 end
member.blocked, state.blocked = report.blocked, 0
for _, name in ipairs(names) do state.blocked = state.blocked + members[name].blocked end

-- the breaker
if report.answered then state.answered = max(state.answered, now - report.answered) end
if report.accepted then state.accepted = max(state.accepted, now - report.accepted) end
if report.level and report.failing and report.revision == state.revision then
  local failing = now - report.failing
  if failing > state.answered then
    if state.level < 0 then state.failing = failing else state.failing = min(state.failing, failing) end
    state.level = max(state.level, report.level)
    state.open_until = max(state.open_until, now + report.open_for)
    state.early_from = max(state.early_from, now + report.early_for)
  end
end
if state.level >= 0 and state.answered >= state.failing then
  state.level, state.open_until, state.early_from = -1, 0, 0
  state.probe, state.recovered = '', state.answered
end

-- the probe
local probe = false
if state.level < 0 then
  state.probe = ''
elseif state.probe == '' or state.probe == process or now > state.probe_until then
  local from = state.open_until
  if report.early == 1 then from = min(from, state.early_from) end
  probe = report.probing == 1 or (now >= from and member.wants > 0)
  if probe then state.probe, state.probe_until = process, now + LEASE else state.probe = '' end
end

-- the permits
local permits = {'', '', '', ''}
if state.rate > 0 then
  local gap = 1000 / state.rate
  if member.number ~= report.heard and member.tat_after == state.tat then state.tat = member.tat end
  member.tat_after = 0
  local at, claiming, claimants = max(state.tat, now), 0, 0
  for _, each in pairs(members) do
    if each.want > 0 then claiming = claiming + 1 end
    if each.wants > 0 then claimants = claimants + 1 end
  end
  local function share(among) return max(1, floor(AHEAD / gap / max(1, among))) end
  local function within(first, last, wanted)
    if wanted <= 0 or first > last then return 0 end
    return min(wanted, floor((last - first) / gap) + 1)
  end
  local number = within(at, now + AHEAD, min(report.want, share(claiming)) - report.permits)
  local more = min(member.wants, share(claimants)) - report.permits - number
  number = number + within(at + number * gap, now + FORWARD_AHEAD, more)
  local first = at - now
  if number > 0 then
    member.tat = at
    state.tat = at + number * gap
    member.tat_after = state.tat
  else
    first = max(ASK_AGAIN, at - now - (report.want > 0 and AHEAD or FORWARD_AHEAD))
  end
  permits = {text(number), text(first), text(gap), text(max(PERMIT, gap / 20))}
end

-- the places
local places = ''
if state.max > 0 then
  local leased, claimants, wanting, line, before = 0, 1, false, 0, 0
  for name, each in pairs(members) do
    if name ~= process then
      leased = leased + each.lease
      if each.lease > 0 or each.hungry > 0 then claimants = claimants + 1 end
      if each.wants > 0 then wanting = true end
      if each.hungry > 0 and now - each.seen <= IN_LINE then
        line = line + 1
        if each.hungry < member.hungry then before = before + 1 end
      end
    end
  end
  local free = max(0, state.max - leased)
  places = min(report.flying + member.wants, free)
  if line > 0 or wanting then places = min(places, max(1, floor(state.max / claimants))) end
  if member.lease > 0 then
    if line > 0 and now - member.turn >= TURN and claimants > state.max then places = 0 end
  elseif member.hungry > 0 then
    places = min(places, max(0, free - before))
  else
    places = min(places, max(0, free - line))
  end
  if member.lease == 0 then member.turn = now end
  member.lease = max(places, max(report.flying, report.places))
  if member.lease > 0 or member.wants == 0 then member.hungry = 0
  elseif member.hungry <= 0 then member.hungry = now end
  places = text(places)
end

-- what is told
local tell = ''
if report.told == state.telling then state.told = state.telling end
local behind, wait = state.telling % 2 == 1, state['until'] - now
if state.told == state.telling then
  local changed = wait > LONG
  if behind then changed = wait <= 0 end
  if not changed then
    state.otherwise = 0
  elseif state.otherwise <= 0 then
    state.otherwise = now
  elseif now - state.otherwise >= (behind and CALM_FOR or SURE_AFTER) then
    state.otherwise, state.telling, state.teller = 0, state.telling + 1, ''
  end
end
if state.told ~= state.telling and (state.teller == '' or state.teller == process or now > state.teller_until) then
  state.teller, state.teller_until = process, now + LEASE
  tell = state.telling % 2 == 1 and 'behind' or 'caught_up'
end
member.number = member.number + 1

-- what is kept, and for how long
local whose = ' =' .. state.probe .. ' =' .. state.teller
redis.call('HSET', KEYS[1], ':', written(STATE, state) .. whose, process, written(MEMBER, member))
local pace, horizon = rate(), 0
if pace > 0 then horizon = state.ahead * 1000 / pace end
local last = max(now + horizon, state.tat, state['until'], state.open_until) - now
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', min(last + KEPT, MOST_KEPT)))

local function since(at) return at > 0 and text(now - at) or '' end
return {text(member.number), permits[1], permits[2], permits[3], permits[4], places, text(pace), text(horizon),
  text(state.waiting), text(max(0, state['until'] - now)), text(state.level), text(max(0, state.open_until - now)),
  text(max(0, state.early_from - now)), probe and '1' or '',
  since(state.answered), since(state.accepted), since(state.recovered), tell, text(state.telling)}
"""

EXCHANGE: Final = _TIME + _NUMBERS + _RULE

# The same at a time that is given, as the last argument.
EXCHANGE_AT: Final = "local now = tonumber(ARGV[#ARGV])\n" + _NUMBERS + _RULE
