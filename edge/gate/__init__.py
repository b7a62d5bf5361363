"""The decision: track, score, verdict with its reason, best shot. Reads no file and no clock."""
