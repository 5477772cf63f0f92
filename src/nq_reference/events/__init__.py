"""Event managers: the step events of flows, kept by flow and told to subscribers, in order."""
