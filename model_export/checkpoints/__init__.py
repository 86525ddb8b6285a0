"""Hugging Face checkpoints as sources of bundles: read a directory, convert its weights, verify the result."""
