-- The jobs to start next: the lowest priority number, then the longest wait.
--
-- :queue, :want how many
-- Result: number, id, name, data, opts, attempts_made.

SELECT number, id, name, data, opts, attempts_made FROM job
WHERE queue = :queue AND state = 'waiting' ORDER BY priority, place LIMIT :want
