"""Texts per second of CPU time: the speed of small models, whose engines compute on one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence

from seqserve.runtime.engine import Engine
from seqserve.tasks import TASKS

BATCH, N_BATCHES = 16, 20
"""Texts of a batch, and the batches that a measurement has."""
_ROUNDS = 3


def texts_per_second(engines: Sequence[Engine], texts: Sequence[str]) -> list[float]:
    """Return texts per second of CPU time in batches, the best of a few rounds in turns."""
    best = [0.0] * len(engines)
    for _ in range(_ROUNDS):
        for i, engine in enumerate(engines):
            item = TASKS[engine.bundle.manifest.task].item
            items = [item(text=text) for text in texts]
            start = time.process_time()
            for first in range(0, len(items), BATCH):
                engine.predict(items[first : first + BATCH])
            best[i] = max(best[i], len(items) / (time.process_time() - start))
    return best
