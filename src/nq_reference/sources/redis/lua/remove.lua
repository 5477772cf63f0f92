-- Remove a job that is not active.
--
-- ARGV[2] id
-- Result: 1 if it was removed, 0 if there is none or it is active.

local id = ARGV[2]
local f = call('HMGET', JOB .. id, 'state', 'seq', 'pos')
if not f[1] or f[1] == 'active' then
  return 0
end
local member = f[2] .. ':' .. id
if f[1] == 'waiting' then
  member = f[3] .. ':' .. member
end
call('ZREM', BASE .. ':' .. f[1], member)
forget(id)
return 1
