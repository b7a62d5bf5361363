"""Shadow log."""
