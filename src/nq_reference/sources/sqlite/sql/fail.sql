-- A job has failed for good.
--
-- :number the job's, :text the reason, :ended from the counter, :now epoch ms
-- :attempts 1 if an attempt ended so, 0 if the job stalled too often

UPDATE job SET state = 'failed', token = NULL, locked_until = NULL, finished_on = :now, ended = :ended,
  attempts_made = attempts_made + :attempts, failed_reason = :text
WHERE number = :number
