-- Store jobs, in order, all of them.
--
-- ARGV from 2, seven for each job: id, name, data (JSON), opts (JSON), delay (ms from now),
-- priority, how many failed jobs to keep ('' all)
-- Result: how many were new. A job whose id is kept already is left as it is, without an event.

local now = clock()
local first_due = head(DELAYED)
local added, waiting = 0, 0
for i = 2, #ARGV, 7 do
  local state = add_job(now, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6])
  if state then
    added = added + 1
  end
  if state == 'waiting' then
    waiting = waiting + 1
  end
end
if (waiting > 0 or head(DELAYED) ~= first_due) and not is_paused() then
  wake()
end
return added
