-- Whether a queue is held.
--
-- :queue
-- Result: 1 or 0.

SELECT paused FROM queue WHERE id = :queue
