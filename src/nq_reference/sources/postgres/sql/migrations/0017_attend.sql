-- Say for how long somebody will wait for work, or for events, on some queues; drop old events.
--
-- `watched` and `heard` are queues' names, `lease_ms` how long from now. Who is `joining` has to wait
-- for the changes under way, which may not know of it and are no later events; a lease that goes
-- on they know of.
-- Queues are gone through by name, so that two calls can't wait for each other.
-- `place`: a later event of any of them has a higher number.

CREATE FUNCTION nq.attend(
  watched text[], heard text[], lease_ms bigint, event_life_ms bigint, joining boolean, OUT place bigint
) LANGUAGE plpgsql AS $$
DECLARE
  each text;
  q nq.queue;
  now bigint := nq.clock();
BEGIN
  FOR each IN SELECT n COLLATE "C" FROM (SELECT unnest(watched) UNION SELECT unnest(heard)) AS t (n) ORDER BY 1 LOOP
    SELECT * INTO q FROM nq.queue k WHERE k.name = each;
    IF NOT FOUND OR joining OR (each = ANY (watched) AND q.watched_until <= now)
        OR (each = ANY (heard) AND q.heard_until <= now) THEN
      q := nq.enter(each, alone => true);
    END IF;
    UPDATE nq.queue k SET
      watched_until = CASE WHEN each = ANY (watched) THEN greatest(k.watched_until, now + lease_ms)
        ELSE k.watched_until END,
      heard_until = CASE WHEN each = ANY (heard) THEN greatest(k.heard_until, now + lease_ms)
        ELSE k.heard_until END
    WHERE k.id = q.id;
    IF each = ANY (heard) THEN
      DELETE FROM nq.event e WHERE e.queue = q.id AND e.at < now - event_life_ms;
    END IF;
  END LOOP;
  SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO place FROM nq.event_number s;
END
$$;
