"""The process: signals, heartbeat, reload, logs, exit code."""
