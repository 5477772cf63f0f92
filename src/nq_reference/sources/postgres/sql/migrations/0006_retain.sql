-- Drop the oldest ended jobs of a state beyond `keep`, of those that ended up to place `last`.
--
-- The caller holds the queue's lock for this, so that of several workers each counts what the
-- others have ended.

CREATE FUNCTION nq.retain(queue_id int, which nq.job_state, last bigint, keep bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM nq.job WHERE ctid = ANY (ARRAY(
    SELECT j.ctid FROM nq.job j
    WHERE j.queue = queue_id AND j.state = which AND j.state IN ('completed', 'failed') AND j.place <= last
    ORDER BY j.place DESC OFFSET keep
    FOR UPDATE
  ));
END
$$;
