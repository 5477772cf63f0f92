-- What happened on a queue. $1 queue, $2 number after which to begin, $3 how many rows at most.

SELECT e.number, e.events, e.ids, e.details FROM nq.read_events($1, $2, $3) e
