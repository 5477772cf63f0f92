-- Record outcomes and claim. $1 queue; of the outcomes: $2 ids, $3 tokens, $4 kinds, $5 texts,
-- $6 delays (ms), $7 keeps (NULL all); of the claim: $8 want, $9 token, $10 lock (ms), $11 stalls allowed.

SELECT accepted, claimed_ids, names, datas, opts, attempts, dead, due, next_in
FROM nq.exchange($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
