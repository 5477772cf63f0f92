-- Forget old events.
--
-- :before the first number to stay

DELETE FROM event WHERE number < :before
