-- From delayed to waiting what is due, in the order of due times. Part of `exchange`.
--
-- At most a thousand at once; the rest follows with the next call. Those that another call is busy
-- with are passed over. Returns the ids in order.

CREATE FUNCTION nq.promote(queue_id int, now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  ripe record;
  ids text[] := '{}';
BEGIN
  FOR ripe IN
    SELECT j.key, j.id FROM nq.job j
    WHERE j.queue = queue_id AND j.state = 'delayed' AND j.due <= now
    ORDER BY j.due, j.number LIMIT 1000 FOR UPDATE SKIP LOCKED
  LOOP
    UPDATE nq.job SET state = 'waiting', place = nextval('nq.number') WHERE key = ripe.key;
    ids := ids || ripe.id;
  END LOOP;
  RETURN ids;
END
$$;
