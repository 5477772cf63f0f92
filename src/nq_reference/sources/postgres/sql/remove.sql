-- Remove a job that is not active. $1 queue, $2 id. Result: whether there was one.

SELECT nq.remove($1, $2)
