"""The suite: one file an area, one test or more a rule.

A test observes through the contract alone. It waits for what should happen, shows what
must not happen by a canary that ran meanwhile, and says in the failure what it saw.
"""
