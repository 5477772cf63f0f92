-- Record outcomes, promote what is due, recover what stalled, claim, and tell what comes next.
--
-- `ids` to `keeps`: the outcomes, see `finish`. `want`: how many jobs to claim at most, under
-- `claim_token`, for `lock_ms`. Result: one row. The n-th claimed job has the n-th id, name and so
-- on. `dead` and `due` are JSON lists, '[]' if there are none; `next_in` is ms until there is
-- something to look at again, NULL if nothing.
--
-- The settings let a plan read by the index that has the right order, and nothing else; see `tables`.
-- What they forbid is only made to look dear, and would have the server compile each such plan to
-- machine code, which takes a tenth of a second: hence `jit`.

CREATE FUNCTION nq.exchange(
  queue_name text, ids text[], tokens text[], kinds text[], texts text[], delays bigint[], keeps bigint[],
  want int, claim_token text, lock_ms bigint, max_stalls int,
  OUT accepted boolean[], OUT claimed_ids text[], OUT names text[], OUT datas text[], OUT opts text[],
  OUT attempts int[], OUT dead text, OUT due text, OUT next_in bigint
) LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name);
  now constant bigint := nq.clock();
  part record;
  ripe text[];
  next_due bigint;
  next_end bigint;
  next_run bigint;
  events text[] := '{}';
  event_ids text[] := '{}';
  details text[] := '{}';
  returned boolean := false;
BEGIN
  accepted := '{}'; claimed_ids := '{}'; names := '{}'; datas := '{}'; opts := '{}'; attempts := '{}';
  dead := '[]'; due := '[]';
  IF cardinality(ids) > 0 THEN
    SELECT * INTO part FROM nq.finish(q.id, now, ids, tokens, kinds, texts, delays, keeps);
    accepted := part.accepted;
    events := part.events; event_ids := part.event_ids; details := part.details;
    returned := 'waiting' = ANY (events);
  END IF;
  SELECT * INTO next_due, next_end, next_run FROM nq.heads(q.id);
  IF next_due <= now AND NOT q.paused THEN
    ripe := nq.promote(q.id, now);
    events := events || array_fill('waiting'::text, ARRAY[cardinality(ripe)]);
    event_ids := event_ids || ripe;
    details := details || array_fill('delayed'::text, ARRAY[cardinality(ripe)]);
    returned := true;
  END IF;
  IF next_end <= now THEN
    SELECT * INTO part FROM nq.recover(q.id, now, max_stalls);
    events := events || part.events; event_ids := event_ids || part.ids; details := details || part.details;
    dead := part.dead;
    returned := true;
  END IF;
  IF want > 0 AND NOT q.paused THEN
    WITH taken AS (
      UPDATE nq.job j SET state = 'active', token = claim_token, processed_on = now, locked_until = now + lock_ms
      WHERE j.ctid = ANY (ARRAY(
        SELECT w.ctid FROM nq.job w WHERE w.queue = q.id AND w.state = 'waiting'
        ORDER BY w.priority, w.place LIMIT want FOR UPDATE SKIP LOCKED
      ))
      RETURNING j.priority, j.place, j.id, j.name, j.data, j.opts, j.attempts_made
    ), ordered AS (
      SELECT * FROM taken t ORDER BY t.priority, t.place
    )
    SELECT coalesce(array_agg(o.id), '{}'), coalesce(array_agg(o.name), '{}'),
      coalesce(array_agg(o.data), '{}'), coalesce(array_agg(o.opts), '{}'),
      coalesce(array_agg(o.attempts_made), '{}')
    INTO claimed_ids, names, datas, opts, attempts FROM ordered o;
    events := events || array_fill('active'::text, ARRAY[cardinality(claimed_ids)]);
    event_ids := event_ids || claimed_ids;
    details := details || array_fill(NULL::text, ARRAY[cardinality(claimed_ids)]);
  END IF;
  IF next_run <= now AND NOT q.paused THEN
    due := nq.series(q.id, now);
  END IF;
  IF next_due <= now OR next_end <= now THEN
    SELECT * INTO next_due, next_end, next_run FROM nq.heads(q.id);
  ELSIF cardinality(claimed_ids) > 0 THEN
    next_end := least(next_end, now + lock_ms);
  END IF;
  IF q.paused THEN -- until the resume, which wakes
    next_due := NULL; next_run := NULL;
  END IF;
  next_in := least(next_due, next_end, next_run) - now;
  next_in := CASE WHEN next_in < 0 THEN 0 ELSE next_in END;
  IF cardinality(events) > 0 THEN
    -- What came back to the line is news to the other workers, whether or not it was taken here.
    PERFORM nq.tell(q, now, returned AND NOT q.paused, events, event_ids, details);
  END IF;
END
$$;
