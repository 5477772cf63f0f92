-- How many jobs are in each state that has some. $1 queue.

SELECT j.state::text, count(*) FROM nq.job j
WHERE j.queue::bigint = (SELECT q.id FROM nq.queue q WHERE q.name = $1)
GROUP BY j.state
