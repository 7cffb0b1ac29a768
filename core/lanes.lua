-- One script a section, each atomic and inside one hash tag. Times are the server's, in milliseconds.
-- Every script starts with the shared functions; `prefix` is "parley:{p}:".

--- shared
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
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
-- KEYS seen in ready   ARGV channel event seen_s wake_channel bell
if not redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 'NX', now(), ARGV[1])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1

--- claim
-- KEYS ready   ARGV prefix lease_ms   -> channel, fence, head, dialogue, another lane is due, part, part, ...
local time = now()
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', time, 'LIMIT', 0, 2)
local channel = due[1]
if not channel then return nil end
local fence = redis.call('INCR', ARGV[1] .. 'fence:' .. channel)
redis.call('ZADD', KEYS[1], 'XX', time + ARGV[2], channel)
local claim = {
  channel, fence,
  redis.call('LINDEX', ARGV[1] .. 'in:' .. channel, 0) or '',
  redis.call('GET', ARGV[1] .. 'dlg:' .. channel) or '',
  due[2] and 1 or 0,
}
for _, part in ipairs(redis.call('LRANGE', ARGV[1] .. 'out:' .. channel, 0, -1)) do claim[#claim + 1] = part end
return claim

--- renew
-- KEYS fence ready   ARGV channel fence lease_ms
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[3], ARGV[1])
return 1

--- commit
-- KEYS fence ready in out dlg   ARGV channel fence dialogue(or '') part part ...   -> -1 fenced, else as settle
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return -1 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[5], ARGV[3]) end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[4], ARGV[i]) end
redis.call('LPOP', KEYS[3])
if #ARGV > 3 then return 1 end
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])

--- sent
-- KEYS fence ready in out ref   ARGV channel fence record(or '') ref_s   -> -1 fenced, else 1 when more waits
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return -1 end
redis.call('LPOP', KEYS[4])
if ARGV[3] ~= '' then redis.call('SET', KEYS[5], ARGV[3], 'EX', ARGV[4]) end
if redis.call('EXISTS', KEYS[4]) == 1 then return 1 end
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])

--- free
-- KEYS fence ready in out   ARGV channel fence delay_ms   gives the lane back, for now or for later
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return -1 end
local more = settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])
if more == 1 and tonumber(ARGV[3]) > 0 then redis.call('ZADD', KEYS[2], 'XX', now() + ARGV[3], ARGV[1]) end
return more

--- bury
-- KEYS fence ready in out dead source   ARGV channel fence        what cannot be read is set aside, never in the way
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return -1 end
local kind = redis.call('TYPE', KEYS[6]).ok
local body = kind == 'list' and redis.call('LPOP', KEYS[6]) or kind == 'string' and redis.call('GETDEL', KEYS[6])
if body then redis.call('RPUSH', KEYS[5], body) end
return settle(KEYS[2], KEYS[3], KEYS[4], ARGV[1])
