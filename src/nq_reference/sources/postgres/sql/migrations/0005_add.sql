-- Store jobs, in order; one whose id is kept already is left as it is, without an event.
--
-- Delays are ms from now, 0 or less is due; `keeps_failed` NULL keeps all. The rows go in by id, so
-- that two calls with the same ids can't wait for each other, and bear numbers in the order given.

CREATE FUNCTION nq.add(
  queue_name text, ids text[], names text[], datas text[], opts text[], delays bigint[], priorities int[],
  keeps_failed bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name);
  now constant bigint := nq.clock();
  next_due bigint;
  told record;
BEGIN
  IF q.watched_until > now THEN
    SELECT min(j.due) INTO next_due FROM nq.job j WHERE j.queue = q.id AND j.state = 'delayed';
  END IF;
  IF cardinality(ids) = 1 THEN -- the same as below, at half the cost
    INSERT INTO nq.job AS j
      (key, queue, id, number, place, due, created_on, keep_failed, priority, state, name, opts, data)
    SELECT q.id || ':' || ids[1], q.id, ids[1], n, n, now + greatest(delays[1], 0), now, keeps_failed[1],
      priorities[1], CASE WHEN delays[1] > 0 THEN 'delayed'::nq.job_state ELSE 'waiting'::nq.job_state END,
      names[1], opts[1], datas[1]
    FROM nextval('nq.number') AS n
    ON CONFLICT (key) DO NOTHING;
    IF FOUND AND delays[1] > 0 THEN
      PERFORM nq.tell(q, now, NOT q.paused AND (next_due IS NULL OR now + delays[1] < next_due),
        '{delayed}', ids, ARRAY[(now + delays[1])::text]);
    ELSIF FOUND THEN
      PERFORM nq.tell(q, now, NOT q.paused, '{waiting}', ids, '{NULL}');
    END IF;
    RETURN;
  END IF;
  WITH given AS (
    SELECT *, nextval('nq.number') AS number
    FROM unnest(ids, names, datas, opts, delays, priorities, keeps_failed)
      AS t (id, name, data, opts, delay, priority, keep_failed)
  ), added AS (
    INSERT INTO nq.job AS j
      (key, queue, id, number, place, due, created_on, keep_failed, priority, state, name, opts, data)
    SELECT q.id || ':' || g.id, q.id, g.id, g.number, g.number, now + greatest(g.delay, 0), now,
      g.keep_failed, g.priority,
      CASE WHEN g.delay > 0 THEN 'delayed'::nq.job_state ELSE 'waiting'::nq.job_state END,
      g.name, g.opts, g.data
    FROM given g ORDER BY g.id, g.number
    ON CONFLICT (key) DO NOTHING
    RETURNING j.id, j.number, j.state, j.due
  ), ordered AS (
    SELECT * FROM added a ORDER BY a.number
  )
  SELECT
    coalesce(bool_or(o.state = 'waiting' OR next_due IS NULL OR o.due < next_due), false) AS work,
    array_agg(o.state::text) AS events,
    array_agg(o.id) AS ids,
    array_agg(CASE WHEN o.state = 'delayed' THEN o.due::text END) AS details
  INTO told FROM ordered o;
  PERFORM nq.tell(q, now, told.work AND NOT q.paused, told.events, told.ids, told.details);
END
$$;
