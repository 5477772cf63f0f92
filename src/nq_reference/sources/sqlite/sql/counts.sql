-- How many jobs are in each state.
--
-- :queue
-- Result: state, number of jobs. Each is counted in the index of its state.

SELECT 'waiting', count(*) FROM job WHERE queue = :queue AND state = 'waiting'
UNION ALL SELECT 'delayed', count(*) FROM job WHERE queue = :queue AND state = 'delayed'
UNION ALL SELECT 'active', count(*) FROM job WHERE queue = :queue AND state = 'active'
UNION ALL SELECT 'completed', count(*) FROM job WHERE queue = :queue AND state = 'completed' AND ended IS NOT NULL
UNION ALL SELECT 'failed', count(*) FROM job WHERE queue = :queue AND state = 'failed' AND ended IS NOT NULL
