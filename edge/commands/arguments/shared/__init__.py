"""What several commands can be told."""
