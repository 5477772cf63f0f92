-- An attempt ended well.
--
-- :number the job's, :text its result (JSON), :ended from the counter, :now epoch ms

UPDATE job SET state = 'completed', token = NULL, locked_until = NULL, finished_on = :now, ended = :ended,
  attempts_made = attempts_made + 1, return_value = :text, failed_reason = NULL
WHERE number = :number
