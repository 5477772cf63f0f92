-- Make the job of a due run and move its series on, if nobody else has.
--
-- ARGV[2] schedule id
-- ARGV[3] the run that is due (epoch ms); another value in the series means: too late
-- ARGV[4] next run (epoch ms), '' if the series ends
-- ARGV from 5, the job: id, name, data, opts, delay (ms), priority, how many failed to keep
-- Result: 1 if this call made the run, otherwise 0.

local id = ARGV[2]
local key = SCHEDULE .. id
if call('HGET', key, 'next_at') ~= ARGV[3] then
  return 0
end
if ARGV[4] == '' then
  call('DEL', key)
  call('ZREM', SCHEDULES, id)
else
  call('HSET', key, 'next_at', ARGV[4])
  call('HINCRBY', key, 'runs', 1)
  call('ZADD', SCHEDULES, ARGV[4], id)
end
add_job(clock(), numbers('last', 1), ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11])
if not is_paused() then
  wake()
end
return 1
