-- Series as JSON: of one queue, those that are due at `now`, or all.

CREATE FUNCTION nq.series(queue_id int, now bigint DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN coalesce((
    SELECT jsonb_agg(jsonb_build_array(
      s.id, s.name, s.data, s.opts, s.pattern, s.tz, s.run_limit, s.next_at, s.runs) ORDER BY s.next_at)
    FROM nq.schedule s WHERE s.queue = queue_id AND (now IS NULL OR s.next_at <= now)
  ), '[]');
END
$$;
