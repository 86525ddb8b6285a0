"""The memory of models that are not needed any more."""

from __future__ import annotations

import gc


def release_garbage() -> None:
    """Collect what a dropped model leaves, also if it was excluded from collections at start-up.

    Engines contain reference cycles, so that dropping the last reference does not release their memory.
    """
    is_frozen = gc.get_freeze_count() > 0
    gc.unfreeze()
    gc.collect()
    if is_frozen:
        gc.freeze()
