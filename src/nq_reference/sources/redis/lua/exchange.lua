-- Record outcomes, promote what is due, recover what stalled, claim, and tell what comes next.
--
-- ARGV[2] how many jobs to claim at most
-- ARGV[3] token to lock them with
-- ARGV[4] duration of the locks (ms)
-- ARGV[5] how often a job may stall before it fails
-- ARGV from 6, six for each outcome: id, token, kind (complete, retry, fail, release), text,
-- delay (ms), how many jobs that ended so to keep ('' all)
-- Result: {accepted (1 or 0 an outcome), claimed {id, name, data, opts, attempts made},
-- dead (as claimed, and the token), due series, ms until the next look or -1}

local WANT, TOKEN, LOCK_MS, MAX_STALLS = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local BATCH = 1000 -- what one call promotes or recovers at most; the rest follows at once
local SERIES_BATCH = 100

insist()
local now = clock()
local now_text = whole(now)
local paused = is_paused()
local first_due = head(DELAYED)
local left = {} -- members that leave ACTIVE
local ranks = nil -- the next of the numbers that this call's outcomes have to end by

local function next_rank()
  ranks = ranks or numbers('finished', (#ARGV - 5) / 6)
  ranks = ranks + 1
  return ranks - 1
end

local function one_more(attempts)
  return whole(tonumber(attempts) + 1)
end

local function end_job(id, number, rank, keep, state, fields)
  if keep == '0' then
    forget(id)
    return
  end
  call('HSET', JOB .. id, 'state', state, 'finished_on', now_text, unpack(fields))
  retain(state == 'completed' and COMPLETED or FAILED, rank, number, id, keep)
end

local function complete(id, job, text, _, keep)
  if job.attempts ~= '0' then
    call('HDEL', JOB .. id, 'failed_reason')
  end
  end_job(id, job.number, next_rank(), keep, 'completed', {'return_value', text, 'attempts_made', one_more(job.attempts)})
  emit('completed', id, text)
end

local function fail(id, job, text, _, keep)
  end_job(id, job.number, next_rank(), keep, 'failed', {'failed_reason', text, 'attempts_made', one_more(job.attempts)})
  emit('failed', id, text)
end

-- Behind those that wait, or back after the delay.
local function retry(id, job, text, delay)
  local key, attempts = JOB .. id, one_more(job.attempts)
  if delay > 0 then
    local due = whole(now + delay)
    call('HSET', key, 'state', 'delayed', 'failed_reason', text, 'attempts_made', attempts)
    call('ZADD', DELAYED, due, job.number .. ':' .. id)
    emit('delayed', id, due)
  else
    local place = next_number()
    call('HSET', key, 'state', 'waiting', 'failed_reason', text, 'attempts_made', attempts, 'pos', place)
    wait_in_line(id, job.priority, place, job.number)
    emit('waiting', id, 'active')
  end
end

-- To the place it had in line, as if never claimed.
local function release(id, job)
  call('HSET', JOB .. id, 'state', 'waiting')
  if job.attempts == '0' then
    call('HDEL', JOB .. id, 'processed_on')
  end
  wait_in_line(id, job.priority, job.place, job.number)
  emit('waiting', id, 'active')
end

local VERBS = {complete = complete, fail = fail, retry = retry, release = release}

local function read(id)
  local f = call('HMGET', JOB .. id, 'state', 'token', 'seq', 'priority', 'pos', 'attempts_made')
  return {state = f[1], token = f[2], number = f[3], priority = f[4], place = f[5], attempts = f[6]}
end

-- An outcome that comes a second time, because its first answer was lost, is accepted without
-- effect: a job keeps the token that ended its attempt until it is claimed again.
local function apply(id, token, kind, text, delay, keep)
  local job = read(id)
  if not job.state or job.token ~= token then
    return 0
  end
  if job.state == 'active' then
    left[#left + 1] = job.number .. ':' .. id
    VERBS[kind](id, job, text, tonumber(delay), keep)
  end
  return 1
end

local function promote()
  local due = call('ZRANGEBYSCORE', DELAYED, '-inf', now_text, 'LIMIT', 0, BATCH)
  for _, member in ipairs(due) do
    local id = behind_number(member)
    local priority = call('HGET', JOB .. id, 'priority')
    if priority then
      local place = next_number()
      call('HSET', JOB .. id, 'state', 'waiting', 'pos', place)
      wait_in_line(id, priority, place, string.sub(member, 1, 16))
      emit('waiting', id, 'delayed')
    end
  end
  if #due > 0 then
    call('ZREMRANGEBYRANK', DELAYED, 0, #due - 1)
  end
end

local function bury(id, number, dead)
  local f = call('HMGET', JOB .. id, 'name', 'data', 'opts', 'attempts_made', 'token', 'keep_failed')
  call('HDEL', JOB .. id, 'token')
  local reason = 'job stalled more than ' .. whole(MAX_STALLS) .. ' times'
  end_job(id, number, numbers('finished', 1), f[6] or '', 'failed', {'failed_reason', reason})
  emit('failed', id, reason)
  table.insert(dead, {id, f[1], f[2], f[3], f[4], f[5]})
end

local function recover(dead)
  for _, member in ipairs(call('ZRANGEBYSCORE', ACTIVE, '-inf', now_text, 'LIMIT', 0, BATCH)) do
    local id = behind_number(member)
    local job = read(id)
    call('ZREM', ACTIVE, member)
    if job.state == 'active' then
      if call('HINCRBY', JOB .. id, 'stalls', 1) > MAX_STALLS then
        bury(id, job.number, dead)
      else
        call('HSET', JOB .. id, 'state', 'waiting')
        call('HDEL', JOB .. id, 'token')
        wait_in_line(id, job.priority, job.place, job.number)
        emit('stalled', id)
      end
    end
  end
end

-- Claim one job; one whose record has vanished is left out. `locks` takes what goes to ACTIVE.
local function claim_one(member, claimed, expiry, locks)
  local numbered = behind_number(member)
  local id = behind_number(numbered)
  local f = call('HMGET', JOB .. id, 'name', 'data', 'opts', 'attempts_made')
  if f[1] then
    call('HSET', JOB .. id, 'state', 'active', 'token', TOKEN, 'processed_on', now_text)
    locks[#locks + 1] = expiry
    locks[#locks + 1] = numbered
    emit('active', id)
    claimed[#claimed + 1] = {id, f[1], f[2], f[3], f[4]}
  end
end

local function claim(claimed)
  local expiry, locks = whole(now + LOCK_MS), {}
  while #claimed < WANT do
    local popped = call('ZPOPMIN', WAITING, WANT - #claimed)
    if #popped == 0 then
      break
    end
    for i = 1, #popped, 2 do
      claim_one(popped[i], claimed, expiry, locks)
    end
  end
  call_in_parts('ZADD', ACTIVE, locks)
end

local function due_series()
  local due = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', SCHEDULES, '-inf', now_text, 'LIMIT', 0, SERIES_BATCH)) do
    local found = series(id)
    if found then
      table.insert(due, found)
    end
  end
  return due
end

local function next_look()
  local sets = paused and {ACTIVE} or {ACTIVE, DELAYED, SCHEDULES}
  local soonest = nil
  for _, set in ipairs(sets) do
    local _, at = head(set)
    if at and (not soonest or at < soonest) then
      soonest = at
    end
  end
  return soonest and whole(math.max(0, soonest - now)) or '-1'
end

local accepted, claimed, dead, due = {}, {}, {}, {}
for i = 6, #ARGV, 6 do
  accepted[#accepted + 1] = apply(unpack(ARGV, i, i + 5))
end
call_in_parts('ZREM', ACTIVE, left)
local next_due = head(DELAYED)
if not paused then
  promote()
end
recover(dead)
if not paused then
  claim(claimed)
  due = due_series()
  local sooner = next_due and next_due ~= first_due
  if sooner or call('ZCARD', WAITING) > 0 then
    wake()
  end
end
return {accepted, claimed, dead, due, next_look()}
