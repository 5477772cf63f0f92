-- This server's time in epoch ms. Not the time at which the transaction began.

CREATE FUNCTION nq.clock() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;
