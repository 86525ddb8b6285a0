"""Model cards, for new bundles and for existing ones."""
