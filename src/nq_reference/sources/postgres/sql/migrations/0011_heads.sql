-- The first moments at which something is due, a lock ends, and a series runs; NULL for none.

CREATE FUNCTION nq.heads(queue_id int, OUT due bigint, OUT lock_end bigint, OUT run bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  due := (SELECT min(j.due) FROM nq.job j WHERE j.queue = queue_id AND j.state = 'delayed');
  lock_end := (SELECT min(j.locked_until) FROM nq.job j WHERE j.queue = queue_id AND j.state = 'active');
  run := (SELECT min(s.next_at) FROM nq.schedule s WHERE s.queue = queue_id);
END
$$;
