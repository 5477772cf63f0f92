"""Handlers for child processes: what an adapter starts when a rule is about them.

``script.py`` and ``script.mjs`` are the same child in two languages. They speak the child
protocol by themselves, with the standard library alone, and do what the job's payload
tells them to, also what no child should; ``nq_conformance.suite.scripted`` has the words for it.
``exits.py`` and ``exits.mjs`` end before they read anything. ``functions.py`` has handlers that
an adapter's own Python child calls, ``unimportable.py`` is one that it can't even load.
"""
