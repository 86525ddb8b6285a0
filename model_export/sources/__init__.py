"""Where a model to export comes from."""
