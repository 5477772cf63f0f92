"""The plugin, run as users run it."""
