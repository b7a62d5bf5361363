"""How a running gate is watched: metrics, drift, status for brokers."""
