-- Take numbers from the counter.
--
-- :many how many
-- Result: the last of them.

UPDATE counter SET last = last + :many RETURNING last
