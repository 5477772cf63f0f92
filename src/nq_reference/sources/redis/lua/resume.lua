-- End the pause and wake a worker, which wakes the next if there is work for more.
--
-- Result: 1 if the queue was held, otherwise 0.

local ended = call('HDEL', META, 'paused')
wake()
return ended
