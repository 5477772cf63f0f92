-- A page of the jobs in some states, in the order of their creation.
--
-- ARGV[2] offset
-- ARGV[3] limit, -1 for none
-- ARGV from 4: states; none at all means all of them, and then the page is read straight from
-- the set of jobs. Otherwise the states' sets are merged: n log n in the number of their jobs.
-- Result: a list of jobs as `get` returns them.

local offset, limit = tonumber(ARGV[2]), tonumber(ARGV[3])

local function page_of_all()
  local last = limit < 0 and -1 or offset + limit - 1
  return call('ZRANGE', JOBS, whole(offset), whole(last))
end

local function page_of_states()
  local members = {}
  for i = 4, #ARGV do
    local waiting = ARGV[i] == 'waiting'
    for _, member in ipairs(call('ZRANGE', BASE .. ':' .. ARGV[i], 0, -1)) do
      members[#members + 1] = waiting and behind_number(member) or member
    end
  end
  table.sort(members)
  local ids = {}
  local last = limit < 0 and #members or math.min(#members, offset + limit)
  for i = offset + 1, last do
    ids[#ids + 1] = behind_number(members[i])
  end
  return ids
end

local jobs = {}
for _, id in ipairs(#ARGV < 4 and page_of_all() or page_of_states()) do
  local job = record(id)
  if job then
    jobs[#jobs + 1] = job
  end
end
return jobs
