-- Hold the queue, and say so once. When it returns, no claim is under way any more.

CREATE FUNCTION nq.pause(queue_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name, alone => true);
BEGIN
  IF NOT q.paused THEN
    UPDATE nq.queue SET paused = true WHERE id = q.id;
    PERFORM nq.tell(q, nq.clock(), false, ARRAY['paused'], ARRAY[NULL::text], ARRAY[NULL::text]);
  END IF;
END
$$;
