-- What all scripts share. The loader puts this text before each of them.
--
-- Called with
--   KEYS[1]  the base key of a queue, `{prefix:queue}`; every other key is made from it, so that
--            all keys of a queue lie in one cluster slot
--   ARGV[1]  how many events the queue's stream keeps, about
-- and each script's own arguments from ARGV[2] on.
--
-- Keys behind the base key
--   :meta            hash: `paused` (there while the queue is held), `last` (the counter that
--                    gives creation numbers and places in line), `finished` (jobs ended so far)
--   :job:<id>        hash: a job
--   :jobs            sorted set: all jobs, score creation number, member id
--   :waiting         sorted set: score priority, member <place>:<creation number>:<id>
--   :delayed         sorted set: score due time (epoch ms), member <creation number>:<id>
--   :active          sorted set: score end of the lock (epoch ms), member as in delayed
--   :completed       sorted set: score how manieth to finish, member as in delayed
--   :failed          sorted set: as completed
--   :schedules       sorted set: score next run (epoch ms), member schedule id
--   :schedule:<id>   hash: a series
--   :events          stream: fields e (event), i (job id), d (detail)
--   :wake            list: holds one marker while a worker should look, otherwise nothing
--   :none            never there, see `insist`
-- Numbers inside members have 16 digits, so that equal scores fall in order of number.
--
-- Payloads, results and options are opaque text here: cjson would turn [] into {}.

local BASE = KEYS[1]
local META = BASE .. ':meta'
local JOB = BASE .. ':job:'
local JOBS = BASE .. ':jobs'
local WAITING = BASE .. ':waiting'
local DELAYED = BASE .. ':delayed'
local ACTIVE = BASE .. ':active'
local COMPLETED = BASE .. ':completed'
local FAILED = BASE .. ':failed'
local SCHEDULES = BASE .. ':schedules'
local SCHEDULE = BASE .. ':schedule:'
local EVENTS = BASE .. ':events'
local WAKE = BASE .. ':wake'
local MAX_EVENTS = ARGV[1]

local call = redis.call

-- A whole number as text. Lua alone would write large ones as 1e+15.
local function whole(number)
  return string.format('%.0f', number)
end

local function padded(number)
  return string.format('%016.0f', number)
end

-- The server's time in epoch ms.
local function clock()
  local time = call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A counter of META, moved on by `count`: the first of the numbers that are now the caller's.
local function numbers(counter, count)
  return call('HINCRBY', META, counter, count) - count + 1
end

local function next_number()
  return padded(numbers('last', 1))
end

-- A command with any number of arguments: Lua can hand over some thousands at once.
local function call_in_parts(command, key, arguments)
  for first = 1, #arguments, 1000 do
    call(command, key, unpack(arguments, first, math.min(first + 999, #arguments)))
  end
end

-- The id in a member of any set but waiting, and the member of those sets in one of waiting.
local function behind_number(member)
  return string.sub(member, 18)
end

-- Begin a call that must pass when the server's memory is full, as what it records lets memory be
-- freed. A script is refused at a command that may take memory, but only as its first write: once
-- something is written, it is let through (Redis 6.2 to 8). So it first deletes what is never there.
local function insist()
  call('DEL', BASE .. ':none')
end

local function is_paused()
  return call('HEXISTS', META, 'paused') == 1
end

local function emit(event, id, detail)
  if detail then
    call('XADD', EVENTS, 'MAXLEN', '~', MAX_EVENTS, '*', 'e', event, 'i', id, 'd', detail)
  else
    call('XADD', EVENTS, 'MAXLEN', '~', MAX_EVENTS, '*', 'e', event, 'i', id)
  end
end

-- Wake one worker; those that find more work wake the next.
local function wake()
  if call('LLEN', WAKE) == 0 then
    call('RPUSH', WAKE, '1')
  end
end

-- The first member of a sorted set and its score; nothing if the set is empty.
local function head(set)
  local first = call('ZRANGE', set, 0, 0, 'WITHSCORES')
  return first[1], tonumber(first[2])
end

local function wait_in_line(id, priority, place, number)
  call('ZADD', WAITING, priority, place .. ':' .. number .. ':' .. id)
end

-- Store a job. `number`: its creation number; `delay`: ms from now, 0 or less is due; `keep_failed`:
-- '' all, or a number. Returns its state, or nothing if a job with this id is kept already.
local function add_job(now, number, id, name, data, opts, delay, priority, keep_failed)
  local key = JOB .. id
  number = padded(number)
  if call('ZADD', JOBS, 'NX', number, id) == 0 then
    if call('EXISTS', key) == 1 then
      return nil
    end
    call('ZADD', JOBS, number, id) -- its record had vanished
  end
  local wait = tonumber(delay)
  local state = wait > 0 and 'delayed' or 'waiting'
  call('HSET', key, 'name', name, 'data', data, 'opts', opts, 'state', state, 'timestamp', whole(now),
    'attempts_made', '0', 'priority', priority, 'seq', number, 'pos', number, 'keep_failed', keep_failed)
  if state == 'delayed' then
    local due = whole(now + wait)
    call('ZADD', DELAYED, due, number .. ':' .. id)
    emit('delayed', id, due)
  else
    wait_in_line(id, priority, number, number)
    emit('waiting', id)
  end
  return state
end

local function forget(id)
  call('DEL', JOB .. id)
  call('ZREM', JOBS, id)
end

-- How many ended jobs beyond those to keep this call may still drop: the rest of a long history
-- goes with the next calls, so that none holds the server for long.
local surplus = 1000

-- Put a job that ended into `set`, as the `rank`th to end, and drop the oldest there beyond `keep`
-- ('' keeps all). One may go in any case, so that there are never more of them.
local function retain(set, rank, number, id, keep)
  call('ZADD', set, rank, number .. ':' .. id)
  if keep == '' then
    return
  end
  local extra = math.min(call('ZCARD', set) - tonumber(keep), math.max(1, surplus))
  if extra > 0 then
    for _, member in ipairs(call('ZRANGE', set, 0, whole(extra - 1))) do
      forget(behind_number(member))
    end
    call('ZREMRANGEBYRANK', set, 0, whole(extra - 1))
    surplus = surplus - extra
  end
end

-- A job as the list {id, name, data, ...}; false if there is none.
local function record(id)
  local fields = call('HMGET', JOB .. id, 'name', 'data', 'state', 'opts', 'timestamp', 'processed_on',
    'finished_on', 'attempts_made', 'return_value', 'failed_reason', 'progress')
  if not fields[1] then
    return false
  end
  table.insert(fields, 1, id)
  return fields
end

-- A series as the list {id, name, data, ...}; false if there is none.
local function series(id)
  local fields = call('HMGET', SCHEDULE .. id, 'name', 'data', 'opts', 'pattern', 'tz', 'limit', 'next_at', 'runs')
  if not fields[1] then
    return false
  end
  table.insert(fields, 1, id)
  return fields
end
