-- A stalled job goes back to the place it had in line, one stall more.
--
-- :number the job's

UPDATE job SET state = 'waiting', token = NULL, locked_until = NULL, stalls = stalls + 1
WHERE number = :number
