"""CUDA through whichever Python binding is there; each is imported only when it is opened."""
