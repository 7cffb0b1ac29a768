-- One script a section, each atomic and inside one hash tag. Times are the server's, in milliseconds.
-- Every script starts with the shared functions; `prefix` is "parley:{p}:".
-- The hash `lane` of a channel: fence (rises with each claim), owner, held (1: by the owner, who has not given it back), tries (of
-- its first part or event, that failed), deaths (of owners who never gave it back, since it last got on), stop (the event
-- that stops all before it), outgoing (1: parts are on their way), sending (the part that may be), draft (the turn and
-- platform id of a growing answer), gone (1: its last part found nobody), call and answer (of the last write).

--- shared
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
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

-- Under this id the channel has keys of their own for so long; whoever looks for what it keeps asks for those.
local function keeps(ids, id, lifetime_s)
  if id == '' then return end
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', now())
  redis.call('ZADD', ids, 'GT', now() + lifetime_s * 1000, id)
  if redis.call('TTL', ids) < tonumber(lifetime_s) then redis.call('EXPIRE', ids, lifetime_s) end
end

--- accept
-- KEYS seen in ready lane ids people channels channels ...
-- ARGV channel event seen_s wake_channel bell limit(0: none) stop(or '') first(1 or 0) id(or '') ids_s person person ...
-- -> events ahead of it, -1 accepted before, -2 the lane is full; `channels` are those of each person
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local ahead = redis.call('LLEN', KEYS[2])
if tonumber(ARGV[6]) > 0 and ahead >= tonumber(ARGV[6]) then return -2 end
redis.call('SET', KEYS[1], 1, 'EX', ARGV[3])
redis.call(ARGV[8] == '1' and 'LPUSH' or 'RPUSH', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 'NX', now(), ARGV[1])
keeps(KEYS[5], ARGV[9], ARGV[10])
for i = 11, #ARGV do
  redis.call('ZADD', KEYS[6], now(), ARGV[i])
  redis.call('ZADD', KEYS[i - 4], now(), ARGV[1])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[4], 'stop', ARGV[7])
  redis.call('PERSIST', KEYS[4])
end
if ARGV[7] ~= '' or ARGV[8] == '1' then
  -- Whoever thinks is fenced off at once; an answer that is on its way out is left to its owner.
  if redis.call('HGET', KEYS[4], 'outgoing') ~= '1' then
    redis.call('HINCRBY', KEYS[4], 'fence', 1)
    redis.call('HDEL', KEYS[4], 'held')
    redis.call('ZADD', KEYS[3], 'XX', now(), ARGV[1])
  end
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return ahead

--- withdraw
-- KEYS lane ready in   ARGV channel wake_channel bell event event ...
-- takes out what is not answered yet; a turn that was made for the head is void -> the events that were there
local head, gone = redis.call('LINDEX', KEYS[3], 0), {}
for i = 4, #ARGV do
  if redis.call('LREM', KEYS[3], 1, ARGV[i]) == 1 then gone[#gone + 1] = ARGV[i] end
end
if #gone > 0 and gone[1] == head then
  redis.call('HDEL', KEYS[1], 'tries', 'deaths', 'draft')
  if redis.call('HGET', KEYS[1], 'outgoing') ~= '1' then
    redis.call('HINCRBY', KEYS[1], 'fence', 1)
    redis.call('HDEL', KEYS[1], 'held')
    redis.call('ZADD', KEYS[2], 'XX', now(), ARGV[1])
  end
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return gone

--- claim
-- KEYS ready   ARGV prefix lease_ms owner
-- -> channel, fence, head, dialogue, preferences, another lane is due, tries, deaths, stop, sending, draft, gone,
--    part, part, ...
local time = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, 2)
local channel = due[1]
if not channel then return nil end
local lane = ARGV[1] .. 'lane:' .. channel
redis.call('PERSIST', lane)
local fence = redis.call('HINCRBY', lane, 'fence', 1)
if fence < 1e15 then
  -- A hash that is new: from the time on, in microseconds, so that no fence comes again that an earlier one has given.
  local t = redis.call('TIME')
  fence = t[1] * 1000000 + t[2]
  redis.call('HSET', lane, 'fence', fence)
end
if redis.call('HGET', lane, 'held') == '1' then redis.call('HINCRBY', lane, 'deaths', 1) end
redis.call('HSET', lane, 'owner', ARGV[3], 'held', 1)
redis.call('ZADD', KEYS[1], 'XX', time + ARGV[2], channel)
local noted = redis.call('HMGET', lane, 'tries', 'deaths', 'stop', 'sending', 'draft', 'gone')
local claim = {
  channel, fence,
  redis.call('LINDEX', ARGV[1] .. 'in:' .. channel, 0) or '',
  redis.call('GET', ARGV[1] .. 'dlg:' .. channel) or '',
  redis.call('GET', ARGV[1] .. 'prefs:' .. channel) or '',
  due[2] and 1 or 0,
  tonumber(noted[1] or 0), tonumber(noted[2] or 0), noted[3] or '', noted[4] or '', noted[5] or '', noted[6] or '',
}
for _, part in ipairs(redis.call('LRANGE', ARGV[1] .. 'out:' .. channel, 0, -1)) do claim[#claim + 1] = part end
return claim

--- renew
-- KEYS lane ready   ARGV channel fence lease_ms
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[3], ARGV[1])
return 1

--- note
-- KEYS lane   ARGV channel fence call field value   what the next owner has to know of this one
local no = refused(KEYS[1], ARGV[2], ARGV[3])
if no then return no end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
return 1

--- commit
-- KEYS lane ready in out dlg   ARGV channel fence call dialogue(or '') events id sending(or '') part part ...
-- -> -1 fenced, else as settle; `events` of the lane's head are answered, the last of them being `id`; `sending` is the
-- part that its owner sends next
local no = refused(KEYS[1], ARGV[2], ARGV[3])
if no then return no end
if ARGV[4] ~= '' then redis.call('SET', KEYS[5], ARGV[4]) end
for i = 8, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
redis.call('LPOP', KEYS[3], ARGV[5])
redis.call('HDEL', KEYS[1], 'tries', 'deaths', 'draft')
if redis.call('HGET', KEYS[1], 'stop') == ARGV[6] then redis.call('HDEL', KEYS[1], 'stop') end
if #ARGV > 7 then
  redis.call('HSET', KEYS[1], 'outgoing', 1, 'sending', ARGV[7])
  return answered(KEYS[1], ARGV[3], 1)
end
return answered(KEYS[1], ARGV[3], settle(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]))

--- sent
-- KEYS lane ready in out ref shown parked ids   ARGV channel fence call record(or '') ref_s ref kind sending(or '') turn
-- -> -1 fenced, else 1 when more waits
local no = refused(KEYS[1], ARGV[2], ARGV[3])
if no then return no end
redis.call('LPOP', KEYS[4])
redis.call('HDEL', KEYS[1], 'tries', 'deaths', 'gone')
redis.call('HSET', KEYS[1], 'sending', ARGV[8])
if ARGV[7] == 'removal' then
  redis.call('LREM', KEYS[6], 1, ARGV[6])
  redis.call('DEL', KEYS[5])
elseif ARGV[4] ~= '' then
  redis.call('SET', KEYS[5], ARGV[4], 'EX', ARGV[5])
  keeps(KEYS[8], ARGV[9], ARGV[5])
  if not redis.call('LPOS', KEYS[6], ARGV[6]) then redis.call('RPUSH', KEYS[6], ARGV[6]) end
  redis.call('EXPIRE', KEYS[6], ARGV[5])
  for _, reaction in ipairs(redis.call('LRANGE', KEYS[7], 0, -1)) do redis.call('RPUSH', KEYS[3], reaction) end
  redis.call('DEL', KEYS[7])
end
if redis.call('EXISTS', KEYS[4]) == 1 then return answered(KEYS[1], ARGV[3], 1) end
redis.call('HDEL', KEYS[1], 'outgoing', 'sending')
return answered(KEYS[1], ARGV[3], settle(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]))

--- park
-- KEYS ref parked ids   ARGV reaction parked_s target   -> 1 the part is recorded by now, 0 the reaction waits for it
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
keeps(KEYS[3], ARGV[3], ARGV[2])
return 0

--- free
-- KEYS lane ready in out   ARGV channel fence call delay_ms charged(tries, deaths or '')
-- gives the lane back, for now or for later
local no = refused(KEYS[1], ARGV[2], ARGV[3])
if no then return no end
local more = settle(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1])
if more == 1 and tonumber(ARGV[4]) > 0 then redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[4], ARGV[1]) end
if ARGV[5] ~= '' then redis.call('HINCRBY', KEYS[1], ARGV[5], 1) end
return answered(KEYS[1], ARGV[3], more)

--- bury
-- KEYS lane ready in out dead source   ARGV channel fence call kind dead_max gone(1 or 0) keep(1 or 0) part part ...
-- sets aside, as `kind@time:body`, what cannot be read, answered or sent, so that it is never in the way; the parts say so; keep: its owner
-- goes on with the parts that are left
local no = refused(KEYS[1], ARGV[2], ARGV[3])
if no then return no end
local type = redis.call('TYPE', KEYS[6]).ok
local body = type == 'list' and redis.call('LPOP', KEYS[6]) or type == 'string' and redis.call('GETDEL', KEYS[6])
if body then
  redis.call('RPUSH', KEYS[5], ARGV[4] .. '@' .. math.floor(now() / 1000) .. ':' .. body)
  redis.call('LTRIM', KEYS[5], -tonumber(ARGV[5]), -1)
end
redis.call('HDEL', KEYS[1], 'tries', 'deaths', 'sending', 'draft')
if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 'gone', 1) end
for i = 8, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('HSET', KEYS[1], 'outgoing', 1)
  if ARGV[7] == '1' then return answered(KEYS[1], ARGV[3], 1) end
else redis.call('HDEL', KEYS[1], 'outgoing') end
return answered(KEYS[1], ARGV[3], settle(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]))

--- replay
-- KEYS dead in out ready   ARGV channel wake_channel bell   puts the oldest event or part back at the end of its line
for _, body in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local kind, rest = string.match(body, '^(%a+)@?%d*:(.*)$')
  local line = kind == 'in' and KEYS[2] or kind == 'out' and KEYS[3]
  if line then
    redis.call('LREM', KEYS[1], 1, body)
    redis.call('RPUSH', line, rest)
    redis.call('ZADD', KEYS[4], 'NX', now(), ARGV[1])
    redis.call('PUBLISH', ARGV[2], ARGV[3])
    return 1
  end
end
return 0
