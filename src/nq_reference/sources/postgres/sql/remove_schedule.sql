-- End a series. $1 queue, $2 id. Result: a row if there was one.

DELETE FROM nq.schedule s
WHERE s.queue = (SELECT q.id FROM nq.queue q WHERE q.name = $1) AND s.id = $2
RETURNING s.id
