-- A page of the jobs in some states, in the order of their creation.
--
-- :queue, :states JSON list, :offset, :limit (-1 for none)
-- Result: rows as `get` returns them.

SELECT id, name, data, state, opts, timestamp, processed_on, finished_on, attempts_made, return_value,
  failed_reason, progress
FROM job WHERE queue = :queue AND state IN (SELECT value FROM json_each(:states))
ORDER BY number LIMIT :limit OFFSET :offset
