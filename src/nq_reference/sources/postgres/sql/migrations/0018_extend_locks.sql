-- Renew locks. `ids` and their `tokens`, `lock_ms` from now. Result: the ids whose lock is lost.
--
-- Rows are locked by key, as in `finish`.

CREATE FUNCTION nq.extend_locks(queue_name text, ids text[], tokens text[], lock_ms bigint)
RETURNS text[] LANGUAGE plpgsql SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name);
  keys constant text[] := ARRAY(SELECT q.id || ':' || i FROM unnest(ids) AS i);
  expiry bigint;
  lost text[] := '{}';
BEGIN
  PERFORM FROM nq.job j WHERE j.key = ANY (keys) ORDER BY j.key FOR UPDATE;
  expiry := nq.clock() + lock_ms;
  FOR n IN 1 .. cardinality(ids) LOOP
    UPDATE nq.job SET locked_until = expiry
    WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    IF NOT FOUND THEN
      lost := lost || ids[n];
    END IF;
  END LOOP;
  RETURN lost;
END
$$;
