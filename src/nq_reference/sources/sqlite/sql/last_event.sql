-- The number of the last event, of whatever queue; 0 before the first.

SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)
