"""Memory between the steps of an export: what one leaves is not added to what the next one takes."""

from __future__ import annotations

import ctypes
import gc


def release_memory() -> None:
    """Collect garbage, and return free memory to the system.

    Engines have reference cycles. The allocator of glibc keeps freed blocks, many of them after sessions of
    onnxruntime; other systems have no `malloc_trim`.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
