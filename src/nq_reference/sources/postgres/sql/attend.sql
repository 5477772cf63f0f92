-- Take or renew leases. $1 queues watched, $2 queues heard, $3 lease (ms), $4 how long events are kept
-- (ms), $5 whether it is for somebody new. Result: a number that later events exceed.

SELECT nq.attend($1, $2, $3, $4, $5)
