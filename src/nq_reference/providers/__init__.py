"""The providers: a backend each, with the worker manager that goes with it."""
