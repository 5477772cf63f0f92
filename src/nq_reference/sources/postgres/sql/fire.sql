-- Make a due run. $1 queue, $2 series, $3 the run (epoch ms), $4 the next or NULL; of the job: $5 id,
-- $6 name, $7 data, $8 opts, $9 delay (ms), $10 priority, $11 how many failed ones to keep (NULL all).

SELECT nq.fire($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
