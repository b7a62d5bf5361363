"""Cameras and faces: read frames, score faces, forward those worth recognising."""

__version__ = "0.1.0"
