-- Store jobs. $1 queue; of the jobs: $2 ids, $3 names, $4 data, $5 opts, $6 delays (ms), $7 priorities,
-- $8 how many failed ones to keep (NULL all); their numbers are texts, too.

SELECT nq.add($1, $2, $3, $4, $5, $6::text[]::bigint[], $7::text[]::int[], $8::text[]::bigint[])
