"""Which faces the networks look at, and in which frames faces are sought."""
