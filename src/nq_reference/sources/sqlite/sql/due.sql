-- The delayed jobs whose time has come, in the order of their times.
--
-- :queue, :now epoch ms, :most how many
-- Result: number, id.

SELECT number, id FROM job WHERE queue = :queue AND state = 'delayed' AND due <= :now
ORDER BY due, number LIMIT :most
