-- What happened in some queues since a moment.
--
-- :after number of the last event that is known, :queues JSON list
-- Result: number, queue, event, job_id, detail.

SELECT number, queue, event, job_id, detail FROM event
WHERE number > :after AND queue IN (SELECT value FROM json_each(:queues)) ORDER BY number
