"""Tables beside the queues, for what flows keep: their state and their history."""
