"""The backends, one module or package each; none knows another."""
