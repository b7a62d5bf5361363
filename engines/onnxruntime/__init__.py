"""Onnxruntime."""
