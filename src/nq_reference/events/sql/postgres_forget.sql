-- Forget the oldest events. $1 those before this time in epoch ms, $2 how many at most. Rows: their numbers.
-- Those that another process is about to forget are left to it.
DELETE FROM nq.step_event
WHERE number = ANY (ARRAY(
  SELECT number FROM nq.step_event WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
))
RETURNING number
