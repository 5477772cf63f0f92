-- Keep an event. $1 flow, $2 event, $3 time in epoch ms.
-- One at a time takes a number and commits, so that no reader goes past one that is yet to come.
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtext('nq.step_event')))
INSERT INTO nq.step_event (flow, event, at) SELECT $1, $2, $3 FROM turn
