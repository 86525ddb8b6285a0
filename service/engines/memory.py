"""The memory of models: how much they take, and the release of what is not needed any more."""

from __future__ import annotations

import gc
import os
from pathlib import Path

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return the resident memory of this process; 0 where the system does not have `/proc`."""
    try:
        n_pages = int(_STATM.read_text().split()[1])
    except FileNotFoundError:
        return 0
    return n_pages * os.sysconf("SC_PAGE_SIZE")


def release_garbage() -> None:
    """Collect what a dropped model leaves, also if it was excluded from collections at start-up.

    Engines contain reference cycles, so that dropping the last reference does not release their memory.
    """
    is_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if is_frozen:
        gc.freeze()
