-- End a series.
--
-- :queue, :id, :next_at the run it must stand at (epoch ms), null for any
-- Result: one row changed if there was one.

DELETE FROM series WHERE queue = :queue AND id = :id AND next_at = coalesce(:next_at, next_at)
