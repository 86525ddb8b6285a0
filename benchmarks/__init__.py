"""Measurements behind docs/benchmarks.md: speed, agreement, invariance, memory. Nothing serves from here."""
