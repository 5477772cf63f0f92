-- Make a queue known.
--
-- :prefix, :name
-- Result: id.

INSERT INTO queue (prefix, name) VALUES (:prefix, :name) RETURNING id
