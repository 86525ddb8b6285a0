"""The threshold of the warning `low_confidence` of translations, chosen on held-out translations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.chrf import CHRF

from seqserve.arrays import FloatArray
from seqserve.records import TranslationResult
from seqserve.training.data import SegmentPair

PRECISION = 0.9
"""The share of the warned segments that are poor."""
_POOR = 0.5  # of the median chrF: a translation below it is poor
_MIN_WARNED = 20  # segments below a threshold; of fewer, the share is a matter of chance
_N_DIGITS = 2


def chrf_of(pairs: Sequence[SegmentPair], results: Sequence[TranslationResult]) -> list[float]:
    """Return the sentence chrF of translations, in order."""
    metric = CHRF()
    return [
        metric.sentence_score(result.text, [pair.target]).score
        for result, pair in zip(results, pairs, strict=True)
    ]


def low_confidence_threshold(scores: FloatArray, qualities: FloatArray) -> float | None:
    """Return the highest score such that `PRECISION` of the translations below it are poor.

    Poor is less than half of the median quality.

    Args:
        scores: (N,), mean log-probability per token.
        qualities: (N,), such as the sentence chrF.

    Returns:
        None: there is no such score, or fewer than 20 translations are below it.
    """
    if not len(scores):
        return None
    order = np.argsort(scores, kind="stable")
    is_poor = qualities[order] < _POOR * np.median(qualities)
    share = np.cumsum(is_poor) / np.arange(1, len(scores) + 1)
    ends = np.flatnonzero(share >= PRECISION)
    if not len(ends) or ends[-1] + 1 < _MIN_WARNED:
        return None
    return round(float(scores[order[ends[-1]]]), _N_DIGITS)
