-- Remove the jobs that ended so, but for the newest; of many that are too many, the oldest.
--
-- :queue, :state 'completed' or 'failed', :keep how many stay, :most how many to remove at once

DELETE FROM job WHERE number IN (
  SELECT number FROM job
  WHERE queue = :queue AND state = :state AND ended <= (
    SELECT ended FROM job WHERE queue = :queue AND state = :state AND ended IS NOT NULL
    ORDER BY ended DESC LIMIT 1 OFFSET :keep
  )
  ORDER BY ended LIMIT :most
)
