-- Keep a step event for its flow, and tell it to all.
--
-- KEYS: 1 the flow's events, a list; 2 the stream of all; 3 the flows, by when they had their last event
-- ARGV: 1 the event (JSON), 2 how many events a flow keeps, 3 how many the stream keeps, about,
-- 4 how long a flow is kept after its last event (ms), 5 how many flows are kept
-- Flows that go because they are too many are named in KEYS[3] by their keys, which share its hash slot.

local MOST_DROPPED = 100 -- in one call, where fewer are to be kept than before

local flow, all, flows = KEYS[1], KEYS[2], KEYS[3]
local id = redis.call('XADD', all, 'MAXLEN', '~', ARGV[3], '*', 'event', ARGV[1])
local now, number = string.match(id, '^(%d+)%-(%d+)$')
local turn = string.format('%s.%03d', now, math.min(number, 999)) -- some have their last event in the same ms

redis.call('RPUSH', flow, ARGV[1])
redis.call('LTRIM', flow, -tonumber(ARGV[2]), -1)
redis.call('PEXPIRE', flow, ARGV[4])

redis.call('ZADD', flows, turn, flow)
redis.call('PEXPIRE', flows, ARGV[4])
redis.call('ZREMRANGEBYSCORE', flows, '-inf', '(' .. now - ARGV[4]) -- expired by themselves
local beyond = redis.call('ZCARD', flows) - ARGV[5]
if beyond > 0 then
  local dropped = redis.call('ZPOPMIN', flows, math.min(beyond, MOST_DROPPED))
  for i = 1, #dropped, 2 do
    redis.call('UNLINK', dropped[i])
  end
end
