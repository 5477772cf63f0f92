"""Runs of the whole suite on a machine that has something else to do: a right adapter must pass them all."""
