-- Tell of something that happened.
--
-- :number from the counter, :queue, :event, :job_id (null for paused)
-- :detail text, epoch ms or null

INSERT INTO event (number, queue, event, job_id, detail) VALUES (:number, :queue, :event, :job_id, :detail)
