-- A queue by its name.
--
-- :prefix, :name
-- Result: id. Nothing if it was never mentioned in a call that writes.

SELECT id FROM queue WHERE prefix = :prefix AND name = :name
