"""A model of the contract, and sequences of calls that are played on it and on an adapter side by side.

``world`` and ``queue_model`` are the model: pure, without any waiting. ``steps`` are what a sequence
is made of, ``player`` makes the calls and compares, ``machine`` draws sequences by Hypothesis,
``search`` finds a short one that fails, and ``script`` prints it as a program.
"""
