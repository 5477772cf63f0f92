"""A module that can't be imported, as a dependency of it is missing."""

raise ModuleNotFoundError("No module named 'nq_there_is_no_such_module' (on purpose)")
