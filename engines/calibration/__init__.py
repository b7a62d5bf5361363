"""The choice of a recipe for a network, with labels and without."""
