"""Measurements behind docs/benchmarks.md and docs/benchmarks-http.md; no part of the service."""
