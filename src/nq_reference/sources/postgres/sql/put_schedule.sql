-- Store a series. $1 queue, $2 id, $3 name, $4 data, $5 opts, $6 pattern, $7 time zone, $8 limit of
-- runs, $9 next run (epoch ms), $10 runs so far.

SELECT nq.put_schedule($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
