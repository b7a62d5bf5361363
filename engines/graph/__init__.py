"""ONNX graphs: load, fold, cut, cost, half precision. Knows nothing of pruning."""
