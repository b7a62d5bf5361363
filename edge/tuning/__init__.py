"""A threshold from footage and a goal, with its report."""
