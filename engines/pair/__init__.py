"""An engine pair: its folder, manifest and golden vectors, opened and run."""
