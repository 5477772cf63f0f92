-- What a queue offers a worker, now and next.
--
-- :queue
-- Result: whether it is held, whether a job waits, and when something asks for another look
-- (epoch ms, null if nothing does): the end of a lock, and unless it is held a due job or run.

SELECT paused,
  EXISTS (SELECT 1 FROM job WHERE queue = :queue AND state = 'waiting'),
  (SELECT min(at) FROM (
    SELECT min(locked_until) AS at FROM job WHERE queue = :queue AND state = 'active'
    UNION ALL
    SELECT min(due) FROM job WHERE queue = :queue AND state = 'delayed' AND NOT paused
    UNION ALL
    SELECT min(next_at) FROM series WHERE queue = :queue AND NOT paused
  ))
FROM queue WHERE id = :queue
