"""Networks: catalogue, prune, build, open and run engine pairs. Knows no camera."""
