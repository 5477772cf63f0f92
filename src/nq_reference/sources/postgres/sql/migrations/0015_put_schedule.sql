-- Store a series; one that is kept already keeps its next run and its number of runs.

CREATE FUNCTION nq.put_schedule(
  queue_name text, series_id text, name text, data text, opts text, pattern text, tz text,
  run_limit bigint, next_at bigint, runs bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  q constant nq.queue := nq.enter(queue_name);
BEGIN
  INSERT INTO nq.schedule AS s (queue, id, name, data, opts, pattern, tz, run_limit, next_at, runs)
  VALUES (q.id, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (queue, id) DO UPDATE SET name = excluded.name, data = excluded.data,
    opts = excluded.opts, pattern = excluded.pattern, tz = excluded.tz, run_limit = excluded.run_limit;
  PERFORM nq.tell(q, nq.clock(), NOT q.paused, '{}', '{}', '{}');
END
$$;
