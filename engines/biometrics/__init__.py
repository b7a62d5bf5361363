"""Comparison scores, error-versus-discard, bootstrap, degradations of face images."""
