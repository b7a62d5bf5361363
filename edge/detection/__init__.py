"""Face detectors: boxes, scores and five landmarks in a frame."""
