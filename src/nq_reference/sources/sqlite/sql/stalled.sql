-- The active jobs whose lock has ended.
--
-- :queue, :now epoch ms, :most how many
-- Result: number, id, name, data, opts, attempts_made, token, stalls.

SELECT number, id, name, data, opts, attempts_made, token, stalls FROM job
WHERE queue = :queue AND state = 'active' AND locked_until <= :now
ORDER BY locked_until, number LIMIT :most
