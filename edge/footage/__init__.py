"""Recorded footage through the gate, and two configurations on the same footage."""
