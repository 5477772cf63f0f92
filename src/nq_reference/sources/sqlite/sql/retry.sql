-- An attempt failed, and another will follow.
--
-- :number the job's, :text the reason
-- :state 'waiting' or 'delayed', :place in line from the counter, :due epoch ms, null if it waits

UPDATE job SET state = :state, token = NULL, locked_until = NULL, place = :place, due = :due,
  attempts_made = attempts_made + 1, failed_reason = :text
WHERE number = :number
