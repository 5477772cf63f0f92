-- What happened on a queue after the change with this number, in order, so many changes at most.

CREATE FUNCTION nq.read_events(queue_name text, after bigint, most int) RETURNS SETOF nq.event
LANGUAGE plpgsql STABLE SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  queue_id constant int := (SELECT q.id FROM nq.queue q WHERE q.name = queue_name);
BEGIN
  RETURN QUERY SELECT * FROM nq.event e WHERE e.queue = queue_id AND e.number > after
    ORDER BY e.number LIMIT most;
END
$$;
