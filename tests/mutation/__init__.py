"""Mutation testing of the reference, with the conformance kit as the only test suite.

``python -m mutation`` changes the reference in one place at a time and looks whether the kit
notices. A change that it does not notice is a test that is missing, or code that is not needed.
"""
