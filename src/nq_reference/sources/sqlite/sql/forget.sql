-- Remove a job that has just ended.
--
-- :number the job's

DELETE FROM job WHERE number = :number
