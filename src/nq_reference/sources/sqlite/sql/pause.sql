-- Hold a queue.
--
-- :queue
-- Result: one row changed if it was not held before.

UPDATE queue SET paused = 1 WHERE id = :queue AND paused = 0
