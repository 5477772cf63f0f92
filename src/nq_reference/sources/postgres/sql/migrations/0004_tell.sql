-- End a change: keep its events for those who listen, notify those who wait.
--
-- A sequence's numbers become visible in the order of commits, not in their own: who has read up
-- to 7 would never see a 6 that is committed later (EVT-10). So numbers are given out under a lock
-- of the queue that is held until the commit. It is taken last, so that it is held briefly and
-- nobody who holds it waits for another lock.
--
-- A notification carries the queue's name, behind `w` for work or `e` for events. The events
-- themselves may be of any size, and are read from the table.

CREATE FUNCTION nq.tell(q nq.queue, now bigint, work boolean, events text[], ids text[], details text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF q.heard_until > now AND cardinality(events) > 0 THEN
    PERFORM pg_advisory_xact_lock('nq.event'::regclass::oid::int, q.id);
    INSERT INTO nq.event VALUES (q.id, nextval('nq.event_number'), now, events, ids, details);
    PERFORM pg_notify('nq.channel', 'e' || q.name);
  END IF;
  IF work AND q.watched_until > now THEN
    PERFORM pg_notify('nq.channel', 'w' || q.name);
  END IF;
END
$$;
