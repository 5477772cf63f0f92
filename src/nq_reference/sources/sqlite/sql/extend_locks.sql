-- Renew a lock.
--
-- :queue, :id, :token, :locked_until epoch ms
-- Result: one row changed, or none if the lock is lost.

UPDATE job SET locked_until = :locked_until
WHERE queue = :queue AND id = :id AND state = 'active' AND token = :token
