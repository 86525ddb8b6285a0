"""Measurements behind docs/benchmarks.md; no part of the service."""
