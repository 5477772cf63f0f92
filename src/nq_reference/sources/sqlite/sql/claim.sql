-- From waiting to active.
--
-- :number the job's, :token of the claim, :locked_until and :now epoch ms

UPDATE job SET state = 'active', token = :token, locked_until = :locked_until, processed_on = :now
WHERE number = :number
