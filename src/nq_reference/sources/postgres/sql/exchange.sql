-- Record outcomes and claim. $1 queue; of the outcomes: $2 ids, $3 tokens, $4 kinds, $5 texts,
-- $6 delays (ms), $7 keeps (NULL all); of the claim: $8 want, $9 token, $10 lock (ms), $11 stalls allowed.
-- What stands in an array is text there and back.

SELECT accepted::text[], claimed_ids, names, datas, opts, attempts::text[], dead, due, next_in
FROM nq.exchange($1, $2, $3, $4, $5, $6::text[]::bigint[], $7::text[]::bigint[], $8, $9, $10, $11)
