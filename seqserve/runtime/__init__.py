"""Onnxruntime and numpy: items in, results out. No torch, no HTTP."""

from seqserve.runtime.engine import Engine, check_golden, open_engine

__all__ = ["Engine", "check_golden", "open_engine"]
