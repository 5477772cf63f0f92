-- Remove a job that is not active.
--
-- :queue, :id
-- Result: one row changed if it was removed.

DELETE FROM job WHERE queue = :queue AND id = :id AND state <> 'active'
