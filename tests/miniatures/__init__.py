"""Wrong adapters, each of which breaks one rule, to show that the suite catches it.

A miniature is the memory adapter with one behaviour bent. It neither names nor detects
the suite. ``breaks`` is the rule that must fail it; ``also`` are rules that it can't help
breaking as well, with ``because`` saying why.
"""
