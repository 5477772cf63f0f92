-- Begin to change a queue: its row, made when it is first asked for.
--
-- Whoever changes a queue holds this lock with many others until it commits. Who pauses it or
-- begins to listen holds it alone (`alone`), and so waits for the changes that are under way: when
-- that call returns, every later change knows of it (PAU-02, EVT-10). The row is read by a
-- statement of its own, after the lock: only then it is as the last one alone has left it.

CREATE FUNCTION nq.enter(queue_name text, alone boolean DEFAULT false) RETURNS nq.queue LANGUAGE plpgsql AS $$
DECLARE
  place constant int := hashtext(queue_name);
  q nq.queue;
BEGIN
  IF alone THEN
    PERFORM pg_advisory_xact_lock('nq.queue'::regclass::oid::int, place);
  ELSE
    PERFORM pg_advisory_xact_lock_shared('nq.queue'::regclass::oid::int, place);
  END IF;
  SELECT * INTO q FROM nq.queue WHERE name = queue_name;
  IF NOT FOUND THEN
    INSERT INTO nq.queue (name) VALUES (queue_name) ON CONFLICT (name) DO NOTHING;
    SELECT * INTO STRICT q FROM nq.queue WHERE name = queue_name;
  END IF;
  RETURN q;
END
$$;
