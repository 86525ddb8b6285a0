"""Torch models to ONNX graphs to verified bundles: the only package that sees both sides."""
