"""A pruned copy of a network: candidates, recipes, compaction, fusion of both."""
