-- Renew locks. $1 queue, $2 ids and $3 their tokens, $4 duration from now (ms). Result: the ids whose
-- lock is lost.

SELECT nq.extend_locks($1, $2, $3, $4)
