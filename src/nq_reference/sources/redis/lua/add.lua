-- Store jobs, in order, all of them.
--
-- ARGV from 2, seven for each job: id, name, data (JSON), opts (JSON), delay (ms from now),
-- priority, how many failed jobs to keep ('' all)
-- Result: how many were new. A job whose id is kept already is left as it is, without an event.

local now = clock()
local delayed = false
for i = 6, #ARGV, 7 do
  delayed = delayed or tonumber(ARGV[i]) > 0
end
local first_due = delayed and head(DELAYED)
local number = numbers('last', (#ARGV - 1) / 7)
local added, waiting = 0, 0
for i = 2, #ARGV, 7 do
  local state = add_job(now, number, unpack(ARGV, i, i + 6))
  number = number + 1
  if state then
    added = added + 1
  end
  if state == 'waiting' then
    waiting = waiting + 1
  end
end
if (waiting > 0 or delayed and head(DELAYED) ~= first_due) and not is_paused() then
  wake()
end
return added
