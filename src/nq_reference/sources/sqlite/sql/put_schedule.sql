-- Store a series; one that is kept already keeps its next run and its number of runs.
--
-- :queue, :id, :name, :data, :opts, :pattern, :tz or null, :limit of runs or null
-- :next_at epoch ms, :runs so far

INSERT INTO series (queue, id, name, data, opts, pattern, tz, run_limit, next_at, runs)
VALUES (:queue, :id, :name, :data, :opts, :pattern, :tz, :limit, :next_at, :runs)
ON CONFLICT (queue, id) DO UPDATE SET name = excluded.name, data = excluded.data, opts = excluded.opts,
  pattern = excluded.pattern, tz = excluded.tz, run_limit = excluded.run_limit
