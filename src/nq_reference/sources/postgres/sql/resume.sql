-- End the pause of a queue. $1 queue.

SELECT nq.resume($1)
