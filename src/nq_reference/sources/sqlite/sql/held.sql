-- The job that an outcome is about, if its token still holds it.
--
-- :queue, :id, :token
-- Result: number, attempts_made.

SELECT number, attempts_made FROM job
WHERE queue = :queue AND id = :id AND state = 'active' AND token = :token
