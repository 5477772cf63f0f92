-- The series of a queue whose next run is not after a moment, by that run.
--
-- :queue, :until epoch ms, :most how many (-1 for all)
-- Result: id, name, data, opts, pattern, tz, limit, next_at, runs.

SELECT id, name, data, opts, pattern, tz, run_limit, next_at, runs FROM series
WHERE queue = :queue AND next_at <= :until ORDER BY next_at, id LIMIT :most
