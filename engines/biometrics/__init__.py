"""Biometrics."""
