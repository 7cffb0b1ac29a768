-- One script a section, each atomic and inside one hash tag. Times are the server's, in milliseconds.
-- Every script starts with the shared functions; `prefix` is "parley:{p}:".
-- The hash `lane` of a channel: fence (rises with each claim), owner, held (1: by the owner, who has not given it back), tries (of
-- its first part or event, that failed), deaths (of owners who never gave it back, since it last got on), stop (the event
-- that stops all before it), outgoing (1: parts are on their way), sending (the part that may be), draft (the turn and
-- platform id of a growing answer), heard (a turn and what was heard in its voice note), owed (the digest of the part that
-- is a voice note still to be made, whose answer it belongs to, and its nonce), gone (1: its last part found nobody), call
-- and answer (of the last write).
-- What events, parts and dialogues say no script knows: their bytes may be sealed.

--- shared
local clock
local function now()
  if not clock then
    local t = redis.call('TIME')
    clock = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  return clock
end
-- What to answer instead of writing, nil when the owner may write: -1 when it has lost the lane, and when it repeats its
-- last call, because the answer never came, that answer.
local function refused(lane, fence, call)
  local last = redis.call('HMGET', lane, 'fence', 'call', 'answer')
  if last[2] == call then return tonumber(last[3]) end
  if last[1] ~= fence then return -1 end
end
local function answered(lane, call, answer)
  redis.call('HSET', lane, 'call', call, 'answer', answer)
  return answer
end
-- The owner gives the lane back: due again at once when more waits, off the list when nothing does.
-- Returns 1 when more waits. With nothing left the hash goes too, when no repeated write needs its answer any more; that
-- nobody could be reached is known for a day.
local function settle(lane, ready, inbox, outbox, channel)
  redis.call('HDEL', lane, 'held')
  if redis.call('EXISTS', inbox, outbox) > 0 then
    redis.call('ZADD', ready, 'XX', now(), channel)
    return 1
  end
  redis.call('ZREM', ready, channel)
  redis.call('EXPIRE', lane, redis.call('HEXISTS', lane, 'gone') == 1 and 86400 or 60)
  return 0
end

-- Drops what was noted of a turn that is done with; another's stays.
local function forget_turn(lane, turn)
  for _, field in ipairs({'draft', 'heard'}) do
    local noted = redis.call('HGET', lane, field)
    if noted and string.sub(noted, 1, #turn + 1) == turn .. ' ' then redis.call('HDEL', lane, field) end
  end
end

-- Under this id the channel has keys of their own for so long; whoever looks for what it keeps asks for those.
local function keeps(ids, id, lifetime_s)
  if id == '' then return end
  redis.call('ZADD', ids, 'GT', now() + lifetime_s * 1000, id)
  -- Those of the past do no harm, and to take them out each time costs more than all else here.
  if redis.call('ZCARD', ids) % 16 == 0 then redis.call('ZREMRANGEBYSCORE', ids, '-inf', now()) end
  if redis.call('TTL', ids) < tonumber(lifetime_s) then redis.call('EXPIRE', ids, lifetime_s) end
end

-- Keeps what cannot be read, answered or sent as `kind@time:body`, so that it is never in the way.
local function dead_letter(dead, kind, body, most)
  redis.call('RPUSH', dead, kind .. '@' .. math.floor(now() / 1000) .. ':' .. body)
  redis.call('LTRIM', dead, -tonumber(most), -1)
end

-- Whether the first unsent part is a voice note that is still to be made, and whose answer it belongs to.
-- It is known by its digest, so that what others write into the outbox meanwhile is not taken for it.
local function owes(lane, outbox)
  local raw, noted = redis.call('LINDEX', outbox, 0), redis.call('HMGET', lane, 'owed', 'sending')
  if not raw or not noted[1] then return false end
  local digest, person, nonce = string.match(noted[1], '^(%x+) (%S*) (.*)$')
  if digest ~= redis.sha1hex(raw) then return false end
  return noted[2] ~= nonce, person
end

-- An event that is due later lies in the hash `planned` of its channel under its id; the sorted set `later` of a partition
-- and platform holds `channel<tab>id` -> when. Returns 1 when it is new there.
local function plan(planned, later, channel, id, event, at)
  redis.call('HSET', planned, id, event)
  return redis.call('ZADD', later, at, channel .. '\t' .. id)
end
-- It comes to the end of its lane, once. Which channels these are turns out here; they carry the hash tag of `later`.
local function arrive(prefix, later, ready, member)
  local channel, id = string.match(member, '^([^\t]*)\t(.*)$')
  local planned = prefix .. 'planned:' .. channel
  local event = redis.call('HGET', planned, id)
  redis.call('ZREM', later, member)
  if not event then return end
  redis.call('HDEL', planned, id)
  redis.call('SET', prefix .. 'seen:' .. string.match(channel, '^[^/]*') .. '/' .. id, 1, 'EX', 172800)
  redis.call('RPUSH', prefix .. 'in:' .. channel, event)
  redis.call('ZADD', ready, 'NX', now(), channel)
end
local function come_due(prefix, later, ready)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now(), 'LIMIT', 0, 100)) do
    arrive(prefix, later, ready, member)
  end
end

-- Who is known to have been in a channel; `channels` are those of each person.
local function were_there(people, channels, channel, persons)
  for at, person in ipairs(persons) do
    redis.call('ZADD', people, now(), person)
    redis.call('ZADD', channels[at], now(), channel)
  end
end

--- accept
-- KEYS seen in ready lane out ids people planned later ref awaited channels channels ...
-- ARGV channel event seen_s wake_channel bell limit(0: none) stop(or '') first(1 or 0) asker(with first) id(or '') ids_s
--      waiter(or '') waits_s person person ...
-- -> events ahead of it, -1 accepted before, -2 the lane is full
-- `waiter` is the id of an event that waits up to `waits_s` until `ref` is recorded
local seen, inbox, ready, lane, outbox, ids, people, planned, later, ref, awaited = unpack(KEYS)
local channel, event, seen_s, wake, bell, limit, stop, first, asker, id, ids_s, waiter, waits_s = unpack(ARGV)
if redis.call('EXISTS', seen) == 1 then return -1 end
local ahead = redis.call('LLEN', inbox)
if tonumber(limit) > 0 and ahead >= tonumber(limit) then return -2 end
redis.call('SET', seen, 1, 'EX', seen_s)
keeps(ids, id, ids_s)
were_there(people, {select(12, unpack(KEYS))}, channel, {select(14, unpack(ARGV))})
if waiter ~= '' and redis.call('EXISTS', ref) == 0 then
  plan(planned, later, channel, waiter, event, now() + waits_s * 1000)
  redis.call('RPUSH', awaited, channel .. '\t' .. waiter)
  redis.call('EXPIRE', awaited, waits_s)
  return ahead
end
redis.call(first == '1' and 'LPUSH' or 'RPUSH', inbox, event)
redis.call('ZADD', ready, 'NX', now(), channel)
if stop ~= '' then
  redis.call('HSET', lane, 'stop', stop)
  redis.call('PERSIST', lane)
end
if stop ~= '' or first == '1' then
  -- Whoever thinks is fenced off at once; an answer that is on its way out is left to its owner. The voice note that a
  -- part owes is on its way when it is noted as being sent: before, it goes.
  local owed, owed_to = owes(lane, outbox)
  local dropped = owed and (stop ~= '' or owed_to == asker)
  if dropped then
    redis.call('LPOP', outbox)
    redis.call('HDEL', lane, 'tries', 'deaths', 'sending', 'owed')
    if redis.call('EXISTS', outbox) == 0 then redis.call('HDEL', lane, 'outgoing') end
  end
  if dropped or redis.call('HGET', lane, 'outgoing') ~= '1' then
    redis.call('HINCRBY', lane, 'fence', 1)
    redis.call('HDEL', lane, 'held')
    redis.call('ZADD', ready, 'XX', now(), channel)
  end
end
redis.call('PUBLISH', wake, bell)
return ahead

--- schedule
-- KEYS seen planned later people channels channels ...
-- ARGV channel id event at_ms later_channel bell person person ...   -> 1, or 0 when it has come already
local seen, planned, later, people = unpack(KEYS)
local channel, id, event, at_ms, told, bell = unpack(ARGV)
if redis.call('EXISTS', seen) == 1 then return 0 end
plan(planned, later, channel, id, event, at_ms)
were_there(people, {select(5, unpack(KEYS))}, channel, {select(7, unpack(ARGV))})
redis.call('PUBLISH', told, bell .. ' ' .. string.format('%d', math.max(0, at_ms - now())))
return 1

--- cancel
-- KEYS planned later   ARGV channel id   -> 1, or 0 when nothing is planned under this id
local planned, later = unpack(KEYS)
local channel, id = unpack(ARGV)
redis.call('ZREM', later, channel .. '\t' .. id)
return redis.call('HDEL', planned, id)

--- withdraw
-- KEYS lane ready in   ARGV channel wake_channel bell event event ...
-- takes out what is not answered yet, named by its bytes; a turn that was made for the head is void -> what was there
local lane, ready, inbox = unpack(KEYS)
local channel, wake, bell = unpack(ARGV)
local head, gone = redis.call('LINDEX', inbox, 0), {}
for _, event in ipairs({select(4, unpack(ARGV))}) do
  if redis.call('LREM', inbox, 1, event) == 1 then gone[#gone + 1] = event end
end
if #gone > 0 and gone[1] == head then
  redis.call('HDEL', lane, 'tries', 'deaths', 'draft', 'heard')
  if redis.call('HGET', lane, 'outgoing') ~= '1' then
    redis.call('HINCRBY', lane, 'fence', 1)
    redis.call('HDEL', lane, 'held')
    redis.call('ZADD', ready, 'XX', now(), channel)
  end
  redis.call('PUBLISH', wake, bell)
end
return gone

--- claim
-- KEYS ready later   ARGV prefix lease_ms owner
-- Which channel it is turns out here, so that its keys cannot be named before without a round trip more; a cluster serves
-- them because they carry the hash tag of `ready`.
-- -> channel, fence, head, dialogue, preferences, another lane is due, tries, deaths, stop, sending, draft, heard, gone,
--    part, part, ...
local ready, later = unpack(KEYS)
local prefix, lease_ms, owner = unpack(ARGV)
come_due(prefix, later, ready)
local time = now()
local due = redis.call('ZRANGEBYSCORE', ready, '-inf', time, 'LIMIT', 0, 2)
local channel = due[1]
if not channel then return nil end
local lane = prefix .. 'lane:' .. channel
redis.call('PERSIST', lane)
local fence = redis.call('HINCRBY', lane, 'fence', 1)
if fence < 1e15 then
  -- A hash that is new: from the time on, in microseconds, so that no fence comes again that an earlier one has given.
  local t = redis.call('TIME')
  fence = t[1] * 1000000 + t[2]
  redis.call('HSET', lane, 'fence', fence)
end
if redis.call('HGET', lane, 'held') == '1' then redis.call('HINCRBY', lane, 'deaths', 1) end
redis.call('HSET', lane, 'owner', owner, 'held', 1)
redis.call('ZADD', ready, 'XX', time + lease_ms, channel)
local noted = redis.call('HMGET', lane, 'tries', 'deaths', 'stop', 'sending', 'draft', 'heard', 'gone')
local claim = {
  channel, fence,
  redis.call('LINDEX', prefix .. 'in:' .. channel, 0) or '',
  redis.call('GET', prefix .. 'dlg:' .. channel) or '',
  redis.call('GET', prefix .. 'prefs:' .. channel) or '',
  due[2] and 1 or 0,
  tonumber(noted[1] or 0), tonumber(noted[2] or 0), noted[3] or '', noted[4] or '', noted[5] or '', noted[6] or '',
  noted[7] or '',
}
for _, part in ipairs(redis.call('LRANGE', prefix .. 'out:' .. channel, 0, -1)) do claim[#claim + 1] = part end
return claim

--- renew
-- KEYS lane ready   ARGV channel fence lease_ms
local lane, ready = unpack(KEYS)
local channel, fence, lease_ms = unpack(ARGV)
if redis.call('HGET', lane, 'fence') ~= fence then return 0 end
redis.call('ZADD', ready, 'XX', now() + lease_ms, channel)
return 1

--- note
-- KEYS lane   ARGV channel fence call field value   what the next owner has to know of this one
local lane = unpack(KEYS)
local _, fence, call, field, value = unpack(ARGV)
local no = refused(lane, fence, call)
if no then return no end
redis.call('HSET', lane, field, value)
return 1

--- commit
-- KEYS lane ready in out dlg
-- ARGV channel fence call dialogue(or '') events id turn sending(or '') owed(or '') part part ...
-- -> -1 fenced, else as settle; `events` of the lane's head are answered as `turn`, the last of them being `id`;
-- `sending` is the part that its owner sends next
local lane, ready, inbox, outbox, memory = unpack(KEYS)
local channel, fence, call, dialogue, events, id, turn, sending, owed = unpack(ARGV)
local parts = {select(10, unpack(ARGV))}
local no = refused(lane, fence, call)
if no then return no end
if dialogue ~= '' then redis.call('SET', memory, dialogue) end
for _, part in ipairs(parts) do redis.call('RPUSH', outbox, part) end
redis.call('LPOP', inbox, events)
redis.call('HDEL', lane, 'tries', 'deaths', 'owed')
if owed ~= '' then redis.call('HSET', lane, 'owed', owed) end
forget_turn(lane, turn)
if redis.call('HGET', lane, 'stop') == id then redis.call('HDEL', lane, 'stop') end
if #parts > 0 then
  redis.call('HSET', lane, 'outgoing', 1, 'sending', sending)
  return answered(lane, call, 1)
end
return answered(lane, call, settle(lane, ready, inbox, outbox, channel))

--- sent
-- KEYS lane ready in out ref shown parked awaited later ids
-- ARGV channel fence call record(or '') ref_s ref kind sending(or '') turn prefix wake_channel bell
-- -> -1 fenced, else 1 when more waits; what waited for this record comes; `parked` is where an earlier version kept that
local lane, ready, inbox, outbox, record_key, shown, parked, awaited, later, ids = unpack(KEYS)
local channel, fence, call, record, ref_s, ref, kind, sending, turn, prefix, wake, bell = unpack(ARGV)
local no = refused(lane, fence, call)
if no then return no end
redis.call('LPOP', outbox)
redis.call('HDEL', lane, 'tries', 'deaths', 'gone')
redis.call('HSET', lane, 'sending', sending)
if kind == 'removal' then
  redis.call('LREM', shown, 1, ref)
  redis.call('DEL', record_key)
elseif record ~= '' then
  redis.call('SET', record_key, record, 'EX', ref_s)
  keeps(ids, turn, ref_s)
  if not redis.call('LPOS', shown, ref) then redis.call('RPUSH', shown, ref) end
  redis.call('EXPIRE', shown, ref_s)
  for _, reaction in ipairs(redis.call('LRANGE', parked, 0, -1)) do redis.call('RPUSH', inbox, reaction) end
  local members = redis.call('LRANGE', awaited, 0, -1)
  for _, member in ipairs(members) do arrive(prefix, later, ready, member) end
  if #members > 0 then redis.call('PUBLISH', wake, bell) end
  redis.call('DEL', parked, awaited)
end
if redis.call('EXISTS', outbox) == 1 then return answered(lane, call, 1) end
redis.call('HDEL', lane, 'outgoing', 'sending', 'owed')
return answered(lane, call, settle(lane, ready, inbox, outbox, channel))

--- free
-- KEYS lane ready in out   ARGV channel fence call delay_ms charged(tries, deaths or '')
-- gives the lane back, for now or for later
local lane, ready, inbox, outbox = unpack(KEYS)
local channel, fence, call, delay_ms, charged = unpack(ARGV)
local no = refused(lane, fence, call)
if no then return no end
local more = settle(lane, ready, inbox, outbox, channel)
if more == 1 and tonumber(delay_ms) > 0 then redis.call('ZADD', ready, 'XX', now() + delay_ms, channel) end
if charged ~= '' then redis.call('HINCRBY', lane, charged, 1) end
return answered(lane, call, more)

--- dead_letter
-- KEYS lane ready in out dead source
-- ARGV channel fence call kind dead_max gone(1 or 0) keep(1 or 0) turn(or '') part part ...
-- gives up on the first event or part, or what is kept under `source`; the parts say so; keep: its owner goes on with the
-- parts that are left
local lane, ready, inbox, outbox, dead, source = unpack(KEYS)
local channel, fence, call, kind, dead_max, gone, keep, turn = unpack(ARGV)
local parts = {select(9, unpack(ARGV))}
local no = refused(lane, fence, call)
if no then return no end
local type = redis.call('TYPE', source).ok
local body = type == 'list' and redis.call('LPOP', source) or type == 'string' and redis.call('GETDEL', source)
if body then dead_letter(dead, kind, body, dead_max) end
redis.call('HDEL', lane, 'tries', 'deaths', 'sending')
forget_turn(lane, turn)
if gone == '1' then redis.call('HSET', lane, 'gone', 1) end
for _, part in ipairs(parts) do redis.call('RPUSH', outbox, part) end
if redis.call('EXISTS', outbox) == 1 then
  redis.call('HSET', lane, 'outgoing', 1)
  if keep == '1' then return answered(lane, call, 1) end
else redis.call('HDEL', lane, 'outgoing') end
return answered(lane, call, settle(lane, ready, inbox, outbox, channel))

--- dead_letter_entry
-- KEYS lane in dead   ARGV channel fence call event dead_max   an event behind the head; its owner goes on
local lane, inbox, dead = unpack(KEYS)
local _, fence, call, event, dead_max = unpack(ARGV)
local no = refused(lane, fence, call)
if no then return no end
if redis.call('LREM', inbox, 1, event) == 1 then dead_letter(dead, 'in', event, dead_max) end
return answered(lane, call, 1)

--- replay
-- KEYS dead in out ready   ARGV channel wake_channel bell   puts the oldest event or part back at the end of its line
local dead, inbox, outbox, ready = unpack(KEYS)
local channel, wake, bell = unpack(ARGV)
for _, body in ipairs(redis.call('LRANGE', dead, 0, -1)) do
  local kind, rest = string.match(body, '^(%a+)@?%d*:(.*)$')
  local line = kind == 'in' and inbox or kind == 'out' and outbox
  if line then
    redis.call('LREM', dead, 1, body)
    redis.call('RPUSH', line, rest)
    redis.call('ZADD', ready, 'NX', now(), channel)
    redis.call('PUBLISH', wake, bell)
    return 1
  end
end
return 0
