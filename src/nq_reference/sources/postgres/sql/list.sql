-- A page of the jobs in some states, in the order of their creation. $1 queue, $2 states, $3 offset,
-- $4 limit (NULL none).

SELECT j.id, j.name, j.data, j.state::text, j.opts, j.created_on, j.processed_on, j.finished_on,
  j.attempts_made, j.return_value, j.failed_reason, j.progress
FROM nq.job j
WHERE j.queue::bigint = (SELECT q.id FROM nq.queue q WHERE q.name = $1)
  AND j.state = ANY ($2::text[]::nq.job_state[])
ORDER BY j.number OFFSET $3::bigint LIMIT $4::bigint
