-- Remove a job that is not active. Result: whether there was one.

CREATE FUNCTION nq.remove(queue_name text, job_id text) RETURNS boolean
LANGUAGE plpgsql SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  job_key constant text := (SELECT q.id || ':' || job_id FROM nq.queue q WHERE q.name = queue_name);
BEGIN
  DELETE FROM nq.job WHERE key = job_key AND state <> 'active';
  RETURN FOUND;
END
$$;
