-- Back to the place it had in line, as if never claimed.
--
-- :number the job's

UPDATE job SET state = 'waiting', token = NULL, locked_until = NULL,
  processed_on = CASE attempts_made WHEN 0 THEN NULL ELSE processed_on END
WHERE number = :number
