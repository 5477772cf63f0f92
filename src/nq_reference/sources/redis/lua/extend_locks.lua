-- Renew locks from now on.
--
-- ARGV[2] duration (ms)
-- ARGV from 3, two for each job: id, token
-- Result: the ids whose lock is lost.

insist()
local expiry = whole(clock() + tonumber(ARGV[2]))
local lost = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local f = call('HMGET', JOB .. id, 'state', 'token', 'seq')
  if f[1] == 'active' and f[2] == ARGV[i + 1] then
    call('ZADD', ACTIVE, expiry, f[3] .. ':' .. id)
  else
    table.insert(lost, id)
  end
end
return lost
