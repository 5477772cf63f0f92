-- Take back the jobs whose lock has ended. Part of `exchange`.
--
-- They wait where they stood in line, which is ahead of the others; one that has stalled more than
-- `max_stalls` times fails, and obeys its own wish of how many failed jobs to keep. A stall is no
-- attempt. Those that another call is busy with are passed over. Result: events and, of the dead,
-- what a claim would tell, and the token.
--
-- Unlike the one of 0009, it holds the queue's lock when it drops failed jobs, as `retain` demands,
-- and drops them once for each number to keep, as `finish` does. `finish` may have locked rows by
-- then, and whoever holds the queue's lock may want one of them: so this does not wait for it. Jobs
-- that must fail under the lock are passed over while another call holds it; that call, or the next
-- one, recovers them.

CREATE OR REPLACE FUNCTION nq.recover(
  queue_id int, now bigint, max_stalls int,
  OUT events text[], OUT ids text[], OUT details text[], OUT dead jsonb
) LANGUAGE plpgsql AS $$
DECLARE
  reason constant text := format('job stalled more than %s times', max_stalls);
  needed constant boolean := EXISTS (
    SELECT FROM nq.job j
    WHERE j.queue = queue_id AND j.state = 'active' AND j.locked_until <= now
      AND j.stalls >= max_stalls AND j.keep_failed > 0
  );
  counting constant boolean := CASE
    WHEN needed THEN pg_try_advisory_xact_lock('nq.job'::regclass::oid::int, queue_id) ELSE false
  END;
  keeps bigint[] := '{}';
  places bigint[] := '{}';
  lost record;
  trim record;
BEGIN
  events := '{}'; ids := '{}'; details := '{}'; dead := '[]';
  FOR lost IN
    SELECT * FROM nq.job j
    WHERE j.queue = queue_id AND j.state = 'active' AND j.locked_until <= now
      AND (counting OR j.stalls < max_stalls OR coalesce(j.keep_failed, 0) = 0)
    ORDER BY j.locked_until, j.number LIMIT 1000 FOR UPDATE SKIP LOCKED
  LOOP
    ids := ids || lost.id;
    IF lost.stalls < max_stalls THEN
      UPDATE nq.job SET state = 'waiting', token = NULL, locked_until = NULL, stalls = stalls + 1
      WHERE key = lost.key;
      events := events || 'stalled'::text;
      details := details || NULL::text;
      CONTINUE;
    END IF;
    dead := dead || jsonb_build_array(
      jsonb_build_array(lost.id, lost.name, lost.data, lost.opts, lost.attempts_made, lost.token));
    events := events || 'failed'::text;
    details := details || reason;
    IF lost.keep_failed = 0 THEN
      DELETE FROM nq.job WHERE key = lost.key;
      CONTINUE;
    END IF;
    UPDATE nq.job SET state = 'failed', token = NULL, locked_until = NULL, stalls = stalls + 1,
      place = nextval('nq.number'), finished_on = now, failed_reason = reason
    WHERE key = lost.key RETURNING place INTO lost.place;
    IF lost.keep_failed IS NOT NULL THEN
      keeps := keeps || lost.keep_failed;
      places := places || lost.place;
    END IF;
  END LOOP;
  FOR trim IN -- as in `finish`
    SELECT max(k.place) AS last, k.keep, greatest(count(*), 1000) AS most
    FROM unnest(keeps, places) AS k (keep, place) GROUP BY k.keep ORDER BY 1
  LOOP
    PERFORM nq.retain(queue_id, 'failed', trim.last, trim.keep, trim.most);
  END LOOP;
END
$$;
