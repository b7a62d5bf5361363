"""What the operator wrote: read, checked with its place, edited, and what is in effect."""
