-- Tell of something that happened.
--
-- :queue, :event, :job_id (null for paused), :detail text, epoch ms or null

INSERT INTO event (queue, event, job_id, detail) VALUES (:queue, :event, :job_id, :detail)
