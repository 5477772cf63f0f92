-- Record outcomes: those whose token holds its job. Part of `exchange`.
--
-- The n-th outcome has the n-th id, token, kind (complete, retry, fail, release), text, delay (ms)
-- and keep (how many jobs that ended so to keep, NULL all, 0 not even this one).
-- `accepted`: for each, whether its token is the job's. One that comes a second time, because its
-- first answer was lost, is accepted without effect. Then the events, in order.
--
-- All rows are locked first, by key, so that two calls with some of the same jobs can't wait for
-- each other.
--
-- Unlike the one of 0007, it drops no more than a thousand jobs for a number to keep, or as many as
-- ended here and named it: where nothing was left over by earlier calls, that is all.

CREATE OR REPLACE FUNCTION nq.finish(
  queue_id int, now bigint, ids text[], tokens text[], kinds text[], texts text[], delays bigint[],
  keeps bigint[], OUT accepted boolean[], OUT events text[], OUT event_ids text[], OUT details text[]
) LANGUAGE plpgsql AS $$
DECLARE
  keys constant text[] := ARRAY(SELECT queue_id || ':' || i FROM unnest(ids) AS i);
  counted constant boolean := EXISTS (SELECT FROM unnest(keeps) AS k WHERE k > 0);
  trim record;
BEGIN
  accepted := '{}'; events := '{}'; event_ids := '{}'; details := '{}';
  IF counted THEN
    PERFORM pg_advisory_xact_lock('nq.job'::regclass::oid::int, queue_id);
  END IF;
  PERFORM FROM nq.job j WHERE j.key = ANY (keys) ORDER BY j.key FOR UPDATE;
  FOR n IN 1 .. cardinality(ids) LOOP
    IF kinds[n] IN ('complete', 'fail') AND keeps[n] = 0 THEN
      DELETE FROM nq.job WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    ELSIF kinds[n] = 'complete' THEN
      UPDATE nq.job SET state = 'completed', place = nextval('nq.number'), finished_on = now,
        attempts_made = attempts_made + 1, return_value = texts[n], failed_reason = NULL
      WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    ELSIF kinds[n] = 'fail' THEN
      UPDATE nq.job SET state = 'failed', place = nextval('nq.number'), finished_on = now,
        attempts_made = attempts_made + 1, failed_reason = texts[n]
      WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    ELSIF kinds[n] = 'retry' THEN
      UPDATE nq.job SET place = nextval('nq.number'), due = now + greatest(delays[n], 0),
        state = CASE WHEN delays[n] > 0 THEN 'delayed'::nq.job_state ELSE 'waiting'::nq.job_state END,
        attempts_made = attempts_made + 1, failed_reason = texts[n]
      WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    ELSE -- release: to the place it had in line, as if never claimed
      UPDATE nq.job SET state = 'waiting',
        processed_on = CASE WHEN attempts_made > 0 THEN processed_on END
      WHERE key = keys[n] AND token = tokens[n] AND state = 'active';
    END IF;
    IF NOT FOUND THEN
      accepted[n] := EXISTS (SELECT FROM nq.job j WHERE j.key = keys[n] AND j.token = tokens[n]);
      CONTINUE;
    END IF;
    accepted[n] := true;
    event_ids := event_ids || ids[n];
    IF kinds[n] IN ('complete', 'fail') THEN
      events := events || CASE WHEN kinds[n] = 'complete' THEN 'completed' ELSE 'failed' END;
      details := details || texts[n];
    ELSIF kinds[n] = 'retry' AND delays[n] > 0 THEN
      events := events || 'delayed'::text;
      details := details || (now + delays[n])::text;
    ELSE
      events := events || 'waiting'::text;
      details := details || 'active'::text;
    END IF;
  END LOOP;
  IF NOT counted THEN
    RETURN;
  END IF;
  FOR trim IN -- each number to keep counts when the last outcome that names it has been recorded
    SELECT j.state, max(j.place) AS last, k.keep, greatest(count(*), 1000) AS most
    FROM nq.job j JOIN unnest(keys, keeps) AS k (key, keep) ON k.key = j.key
    WHERE j.key = ANY (keys) AND k.keep > 0 AND j.state IN ('completed', 'failed')
    GROUP BY j.state, k.keep ORDER BY 2
  LOOP
    PERFORM nq.retain(queue_id, trim.state, trim.last, trim.keep, trim.most);
  END LOOP;
END
$$;
