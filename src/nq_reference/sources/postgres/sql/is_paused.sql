-- Whether a queue is held. $1 queue.

SELECT EXISTS (SELECT FROM nq.queue q WHERE q.name = $1 AND q.paused)
