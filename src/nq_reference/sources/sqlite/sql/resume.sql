-- Hold it no longer.
--
-- :queue

UPDATE queue SET paused = 0 WHERE id = :queue AND paused = 1
