"""Where networks come from: entries, registries, archives, conversions, the cache."""
