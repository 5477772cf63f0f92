-- Move a series on to its next run, if nobody else has.
--
-- :queue, :id, :next_at the run that is due, :following the one after it (epoch ms)
-- Result: one row changed if this call did it.

UPDATE series SET next_at = :following, runs = runs + 1
WHERE queue = :queue AND id = :id AND next_at = :next_at
