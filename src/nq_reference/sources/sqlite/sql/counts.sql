-- How many jobs are in each state.
--
-- :queue
-- Result: state, number of jobs; no row for a state without any.

SELECT state, count(*) FROM job WHERE queue = :queue GROUP BY state
