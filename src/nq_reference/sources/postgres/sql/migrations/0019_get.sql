-- Read jobs. Result: those of `ids` that are kept, in any order.

CREATE FUNCTION nq.get(queue_name text, ids text[]) RETURNS SETOF nq.job
LANGUAGE plpgsql STABLE SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  keys constant text[] := ARRAY(
    SELECT q.id || ':' || i FROM nq.queue q, unnest(ids) AS i WHERE q.name = queue_name);
BEGIN
  RETURN QUERY SELECT * FROM nq.job j WHERE j.key = ANY (keys);
END
$$;
