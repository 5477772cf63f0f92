-- Drop the oldest ended jobs of a state beyond `keep`, of those that ended up to place `last`; at
-- most `most` of them. Replaces the one of 0006, which dropped all at once: of a long history that
-- nobody had trimmed before, it ran into the caller's timeout, was undone, and tried again for ever.
--
-- The rest goes with the next jobs that end. Those that stay are counted and not locked; those that
-- another call is busy with are passed over, so that nothing is waited for here.
--
-- The caller holds the queue's lock for this, so that of several workers each counts what the
-- others have ended.

DROP FUNCTION nq.retain(int, nq.job_state, bigint, bigint);

CREATE FUNCTION nq.retain(queue_id int, which nq.job_state, last bigint, keep bigint, most bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM nq.job WHERE ctid = ANY (ARRAY(
    SELECT j.ctid FROM nq.job j
    WHERE j.queue = queue_id AND j.state = which AND j.state IN ('completed', 'failed') AND j.place <= (
      SELECT k.place FROM nq.job k
      WHERE k.queue = queue_id AND k.state = which AND k.state IN ('completed', 'failed') AND k.place <= last
      ORDER BY k.place DESC OFFSET keep LIMIT 1
    )
    ORDER BY j.place LIMIT most FOR UPDATE SKIP LOCKED
  ));
END
$$;
