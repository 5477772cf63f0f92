-- End a series.
--
-- ARGV[2] id
-- Result: 1 if there was one, otherwise 0.

call('ZREM', SCHEDULES, ARGV[2])
return call('DEL', SCHEDULE .. ARGV[2])
