"""Many gates on one broker: a page of all of them, and thresholds rolled out gate by gate."""
