"""The running gate: sources on their way to the sinks, and what it tells about itself."""
