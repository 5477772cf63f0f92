-- How many jobs are in each state.
--
-- Result: {active, completed, failed, delayed, waiting}

return {
  call('ZCARD', ACTIVE), call('ZCARD', COMPLETED), call('ZCARD', FAILED), call('ZCARD', DELAYED), call('ZCARD', WAITING),
}
