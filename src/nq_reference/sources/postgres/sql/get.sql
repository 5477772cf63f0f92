-- Read jobs. $1 queue, $2 ids. Result: those that are kept, in any order.

SELECT j.id, j.name, j.data, j.state::text, j.opts, j.created_on, j.processed_on, j.finished_on,
  j.attempts_made, j.return_value, j.failed_reason, j.progress
FROM nq.get($1, $2) j
