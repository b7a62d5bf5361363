"""TensorRT plans: parsed, forecast, built, checked, reported."""
