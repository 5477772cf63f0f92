"""How fast the reference adapters are beside other queues, measured in one interleaved run.

Not part of the package and not installed with it. ``python -m benchmarks.setup`` makes the
environments of the peers, ``python -m benchmarks`` measures; see docs/benchmarks.md.
"""
