"""Crash runs: enqueue and process while processes are killed at random, then let the checkers judge.

``python -m crash`` (with ``tests`` on the path; ``nox -s crash_runs``) does many rounds and writes
``docs/crash-runs.md``; the project's tests do a few.
"""
