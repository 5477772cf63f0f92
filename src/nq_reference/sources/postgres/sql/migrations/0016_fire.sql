-- Make the job of a due run and move its series on, if nobody else has.
--
-- `due` is the run at hand: another value in the series means that somebody was faster. `next` is
-- the run after it, NULL if the series ends. The rest is the job, as `add` takes it.
-- Result: whether this call made the run.

CREATE FUNCTION nq.fire(
  queue_name text, series_id text, due bigint, next bigint, job_id text, name text, data text,
  opts text, delay bigint, priority int, keep_failed bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name);
BEGIN
  IF next IS NULL THEN
    DELETE FROM nq.schedule s WHERE s.queue = q.id AND s.id = series_id AND s.next_at = due;
  ELSE
    UPDATE nq.schedule s SET next_at = next, runs = s.runs + 1
    WHERE s.queue = q.id AND s.id = series_id AND s.next_at = due;
  END IF;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM nq.add(queue_name, ARRAY[job_id], ARRAY[name], ARRAY[data], ARRAY[opts], ARRAY[delay],
    ARRAY[priority], ARRAY[keep_failed]);
  RETURN true;
END
$$;
