"""Sequence models from training to service: text, models, decoding, bundles and the runtime."""
