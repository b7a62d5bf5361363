"""What this machine has, what is wrong with it, and what a score costs on it."""
