-- Remove the jobs that ended so, but for the newest.
--
-- :queue, :state 'completed' or 'failed', :keep how many stay

DELETE FROM job WHERE number IN (
  SELECT number FROM job WHERE queue = :queue AND state = :state AND ended IS NOT NULL
  ORDER BY ended DESC LIMIT -1 OFFSET :keep
)
