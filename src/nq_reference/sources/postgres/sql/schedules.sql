-- The series of a queue, by next run, as a JSON list. $1 queue.

SELECT nq.series((SELECT q.id FROM nq.queue q WHERE q.name = $1))::text
