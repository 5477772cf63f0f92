-- Read jobs.
--
-- ARGV from 2: ids
-- Result: for each the list {id, name, data, state, opts, timestamp, processed_on, finished_on,
-- attempts_made, return_value, failed_reason, progress}, or null; times in epoch ms.

local found = {}
for i = 2, #ARGV do
  found[i - 1] = record(ARGV[i])
end
return found
