-- A page of the jobs in some states, in the order of their creation.
--
-- :queue, :offset, :limit (-1 for none), and for each state whether it is wanted, 1 or 0
-- Result: rows as `get` returns them. Each state's jobs are found in the index of their state.

SELECT id, name, data, state, opts, timestamp, processed_on, finished_on, attempts_made, return_value,
  failed_reason, progress
FROM job WHERE number IN (
  SELECT number FROM job WHERE queue = :queue AND state = 'waiting' AND :waiting
  UNION ALL SELECT number FROM job WHERE queue = :queue AND state = 'delayed' AND :delayed
  UNION ALL SELECT number FROM job WHERE queue = :queue AND state = 'active' AND :active
  UNION ALL SELECT number FROM job
    WHERE queue = :queue AND state = 'completed' AND ended IS NOT NULL AND :completed
  UNION ALL SELECT number FROM job
    WHERE queue = :queue AND state = 'failed' AND ended IS NOT NULL AND :failed
)
ORDER BY number LIMIT :limit OFFSET :offset
