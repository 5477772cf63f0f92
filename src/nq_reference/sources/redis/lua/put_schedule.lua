-- Store a series; one that is kept already keeps its next run and its number of runs.
--
-- ARGV[2] id, [3] name, [4] data (JSON), [5] opts (JSON), [6] pattern, [7] time zone or '',
-- [8] limit of runs or '', [9] next run (epoch ms), [10] runs so far
-- Result: 1 if it is new, otherwise 0.

local id = ARGV[2]
local key = SCHEDULE .. id
local first = head(SCHEDULES)
local known = call('EXISTS', key) == 1
call('HSET', key, 'name', ARGV[3], 'data', ARGV[4], 'opts', ARGV[5], 'pattern', ARGV[6], 'tz', ARGV[7], 'limit', ARGV[8])
if known then
  return 0
end
call('HSET', key, 'next_at', ARGV[9], 'runs', ARGV[10])
call('ZADD', SCHEDULES, ARGV[9], id)
if head(SCHEDULES) ~= first and not is_paused() then
  wake()
end
return 1
