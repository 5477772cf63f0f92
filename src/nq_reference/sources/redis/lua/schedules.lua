-- The series of the queue, by their next run.
--
-- Result: for each the list {id, name, data, opts, pattern, tz, limit, next_at, runs}; '' for
-- no time zone and no limit, next_at in epoch ms.

local all = {}
for _, id in ipairs(call('ZRANGE', SCHEDULES, 0, -1)) do
  local found = series(id)
  if found then
    table.insert(all, found)
  end
end
return all
