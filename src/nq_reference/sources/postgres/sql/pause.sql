-- Hold a queue. $1 queue.

SELECT nq.pause($1)
