-- One script a section, each atomic and inside one hash tag. Times are the server's, in milliseconds.
-- Every script starts with the shared functions; `prefix` is "parley:{p}:".
-- The hash `lane` of a channel: fence (claims so far), owner, tries (of its head), stop (the event that stops all before
-- it), sending (the part that may be on its way), draft (the turn and platform id of a growing answer), gone (1: its last
-- part found nobody).

--- shared
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function held(lane, fence) return redis.call('HGET', lane, 'fence') == fence end
-- After a lane lost its head: due again at once when more waits, off the list when nothing does.
-- Returns 1 when more waits.
local function settle(ready, inbox, outbox, channel)
  if redis.call('EXISTS', inbox, outbox) > 0 then
    redis.call('ZADD', ready, 'XX', now(), channel)
    return 1
  end
  redis.call('ZREM', ready, channel)
  return 0
end

--- accept
-- KEYS seen in ready lane   ARGV channel event seen_s wake_channel bell limit(0: none) stop(or '')
-- -> events ahead of it, -1 accepted before, -2 the lane is full
if redis.call('EXISTS', KEYS[1]) == 1 then return -1 end
local ahead = redis.call('LLEN', KEYS[2])
if tonumber(ARGV[6]) > 0 and ahead >= tonumber(ARGV[6]) then return -2 end
redis.call('SET', KEYS[1], 1, 'EX', ARGV[3])
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 'NX', now(), ARGV[1])
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[4], 'stop', ARGV[7])
  -- Whoever thinks is fenced off at once; an answer that is on its way out is left to its owner.
  if redis.call('HGET', KEYS[4], 'outgoing') ~= '1' then
    redis.call('HINCRBY', KEYS[4], 'fence', 1)
    redis.call('ZADD', KEYS[3], 'XX', now(), ARGV[1])
  end
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return ahead

--- claim
-- KEYS ready   ARGV prefix lease_ms owner
-- -> channel, fence, head, dialogue, preferences, another lane is due, tries, stop, sending, draft, gone, part, part, ...
local time = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, 2)
local channel = due[1]
if not channel then return nil end
local lane = ARGV[1] .. 'lane:' .. channel
local fence = redis.call('HINCRBY', lane, 'fence', 1)
redis.call('HSET', lane, 'owner', ARGV[3])
redis.call('ZADD', KEYS[1], 'XX', time + ARGV[2], channel)
local noted = redis.call('HMGET', lane, 'stop', 'sending', 'draft', 'gone')
local claim = {
  channel, fence,
  redis.call('LINDEX', ARGV[1] .. 'in:' .. channel, 0) or '',
  redis.call('GET', ARGV[1] .. 'dlg:' .. channel) or '',
  redis.call('GET', ARGV[1] .. 'prefs:' .. channel) or '',
  due[2] and 1 or 0,
  redis.call('HINCRBY', lane, 'tries', 1),
  noted[1] or '', noted[2] or '', noted[3] or '', noted[4] or '',
}
for _, part in ipairs(redis.call('LRANGE', ARGV[1] .. 'out:' .. channel, 0, -1)) do claim[#claim + 1] = part end
return claim

--- renew
-- KEYS lane ready   ARGV channel fence lease_ms
if not held(KEYS[1], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[3], ARGV[1])
return 1

--- note
-- KEYS lane   ARGV channel fence field value        what the next owner has to know of this one
if not held(KEYS[1], ARGV[2]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
return 1

--- commit
-- KEYS lane ready in out dlg   ARGV channel fence dialogue(or '') events id sending(or '') part part ...
-- -> -1 fenced, else as settle; `events` of the lane's head are answered, the last of them being `id`; `sending` is the
-- part that its owner sends next
if not held(KEYS[1], ARGV[2]) then return -1 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[5], ARGV[3]) end
for i = 7, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
redis.call('LPOP', KEYS[3], ARGV[4])
redis.call('HDEL', KEYS[1], 'tries', 'draft')
if redis.call('HGET', KEYS[1], 'stop') == ARGV[5] then redis.call('HDEL', KEYS[1], 'stop') end
if #ARGV > 6 then
  redis.call('HSET', KEYS[1], 'outgoing', 1, 'sending', ARGV[6])
  return 1
end
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])

--- sent
-- KEYS lane ready in out ref shown parked   ARGV channel fence record(or '') ref_s ref kind sending(or '')
-- -> -1 fenced, else 1 when more waits
if not held(KEYS[1], ARGV[2]) then return -1 end
redis.call('LPOP', KEYS[4])
redis.call('HDEL', KEYS[1], 'tries', 'gone')
redis.call('HSET', KEYS[1], 'sending', ARGV[7])
if ARGV[6] == 'removal' then redis.call('LREM', KEYS[6], 1, ARGV[5])
elseif ARGV[3] ~= '' then
  redis.call('SET', KEYS[5], ARGV[3], 'EX', ARGV[4])
  if not redis.call('LPOS', KEYS[6], ARGV[5]) then redis.call('RPUSH', KEYS[6], ARGV[5]) end
  redis.call('EXPIRE', KEYS[6], ARGV[4])
  for _, reaction in ipairs(redis.call('LRANGE', KEYS[7], 0, -1)) do redis.call('RPUSH', KEYS[3], reaction) end
  redis.call('DEL', KEYS[7])
end
if redis.call('EXISTS', KEYS[4]) == 1 then return 1 end
redis.call('HDEL', KEYS[1], 'outgoing', 'sending')
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])

--- park
-- KEYS ref parked   ARGV reaction parked_s   -> 1 the part is recorded by now, 0 the reaction waits for it
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 0

--- free
-- KEYS lane ready in out   ARGV channel fence delay_ms   gives the lane back, for now or for later
if not held(KEYS[1], ARGV[2]) then return -1 end
local more = settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])
if more == 1 and tonumber(ARGV[3]) > 0 then redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[3], ARGV[1]) end
return more

--- bury
-- KEYS lane ready in out dead source   ARGV channel fence kind dead_max gone(1 or 0) part part ...
-- sets aside what cannot be read, answered or sent, so that it is never in the way; the parts say so
if not held(KEYS[1], ARGV[2]) then return -1 end
local type = redis.call('TYPE', KEYS[6]).ok
local body = type == 'list' and redis.call('LPOP', KEYS[6]) or type == 'string' and redis.call('GETDEL', KEYS[6])
if body then
  redis.call('RPUSH', KEYS[5], ARGV[3] .. ':' .. body)
  redis.call('LTRIM', KEYS[5], -tonumber(ARGV[4]), -1)
end
redis.call('HDEL', KEYS[1], 'tries', 'sending', 'draft')
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'gone', 1) end
for i = 6, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('HSET', KEYS[1], 'outgoing', 1)
else redis.call('HDEL', KEYS[1], 'outgoing') end
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])

--- replay
-- KEYS dead in out ready   ARGV channel wake_channel bell   puts the oldest event or part back at the end of its line
for _, body in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local kind, rest = string.match(body, '^(%a+):(.*)$')
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
