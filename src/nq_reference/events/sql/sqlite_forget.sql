-- Forget the oldest events. $1 those before this time in epoch ms, $2 how many at most. Rows: their numbers.
DELETE FROM nq.step_event
WHERE number IN (SELECT number FROM nq.step_event WHERE at < $1 ORDER BY at LIMIT $2)
RETURNING number
