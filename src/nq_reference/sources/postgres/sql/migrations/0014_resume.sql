-- End the pause and wake the workers.

CREATE FUNCTION nq.resume(queue_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name, alone => true);
BEGIN
  UPDATE nq.queue SET paused = false WHERE id = q.id AND paused;
  PERFORM nq.tell(q, nq.clock(), true, '{}', '{}', '{}');
END
$$;
