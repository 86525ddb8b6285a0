"""Hand-built ONNX graphs: the fast paths, each with the measured gain that justifies it."""
