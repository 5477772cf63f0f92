-- Hold the queue, and say so once.
--
-- Result: 1 if it was not held before, otherwise 0.

local held = call('HSETNX', META, 'paused', '1')
if held == 1 then
  emit('paused', '')
end
return held
