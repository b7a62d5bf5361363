"""Error-versus-discard of quality measures on labelled pairs of face images."""
