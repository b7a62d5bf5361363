"""Footage."""
