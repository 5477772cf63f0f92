-- How far the counters are.
--
-- Result: the last number given to a job, place or ending; the number of the last event, of
-- whatever queue; 0 before the first.

SELECT last, last_event FROM counter
