"""Forms of a network that ONNX Runtime runs faster on a CPU: the same values but for rounding."""
