-- Store a job, unless one with its id is kept.
--
-- :queue, :id, :name, :data, :opts, :state, :priority, :due (epoch ms, null if it waits)
-- :number its place in the order of creation, and in line
-- :now epoch ms
-- Result: one row changed if it is new, none otherwise.

INSERT INTO job (number, queue, id, name, data, opts, state, priority, place, due, timestamp)
VALUES (:number, :queue, :id, :name, :data, :opts, :state, :priority, :number, :due, :now)
ON CONFLICT (queue, id) DO NOTHING
