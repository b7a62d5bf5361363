"""From a camera's address to a configuration that runs: asked, tried, written."""
