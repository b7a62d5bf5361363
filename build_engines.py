"""Build, verify and inspect engine pairs: a thin command over `engines`."""
