"""From an ONNX graph to a serialised plan, through the TensorRT that is here."""
