-- One job.
--
-- :queue, :id
-- Result: id, name, data, state, opts, timestamp, processed_on, finished_on, attempts_made,
-- return_value, failed_reason, progress; times in epoch ms.

SELECT id, name, data, state, opts, timestamp, processed_on, finished_on, attempts_made, return_value,
  failed_reason, progress
FROM job WHERE queue = :queue AND id = :id
