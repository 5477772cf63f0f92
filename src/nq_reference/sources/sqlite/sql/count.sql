-- Keep how far the counters are.
--
-- :last, :last_event as `counters` returns them

UPDATE counter SET last = :last, last_event = :last_event
