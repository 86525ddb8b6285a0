"""Checks of a translation: what looks wrong about it, without a second model."""
