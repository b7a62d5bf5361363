"""The embedded backend: ONNX Runtime and its execution providers."""
