"""The paths that a configuration names: all of them, and those that must lie apart."""
