-- From delayed to waiting.
--
-- :number the job's, :place in line from the counter

UPDATE job SET state = 'waiting', due = NULL, place = :place WHERE number = :number
