"""The temperature of a classifier: what its logits are divided by, so that probabilities are calibrated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqserve.choices import Activation

Targets = NDArray[Any]
"""The right labels of N texts: (N,) int64, or (N, L) float32 with 1 for each label that a text has."""

_Loss = Callable[[NDArray[np.float64], Targets], float]
_TEMPERATURES = np.geomspace(0.05, 20, 1000)


def fit_temperature(
    sets: Sequence[tuple[NDArray[Any], Targets]], activation: Activation = "softmax"
) -> float:
    """Return the temperature that makes the labels of held-out texts likeliest.

    Args:
        sets: Logits (N, L) and targets of each set; all sets have the same weight.
        activation: Softmax: targets are (N,). Sigmoid: they are (N, L).

    Returns:
        The best of 1,000 temperatures from 0.05 to 20; bounded, since a model without an error on
        the held-out texts would want 0.

    Source: Guo et al. 2017, section 4.2.
    """
    loss = _LOSSES[activation]
    losses = [
        np.mean([loss(logits.astype(np.float64) / t, targets) for logits, targets in sets])
        for t in _TEMPERATURES
    ]
    return float(_TEMPERATURES[np.argmin(losses)])


def _cross_entropy(logits: NDArray[np.float64], labels: Targets) -> float:
    """Return the mean over texts of -log softmax at the right label."""
    above = logits - logits.max(axis=1, keepdims=True)
    right = above[np.arange(len(labels)), labels]
    return float((np.log(np.exp(above).sum(axis=1)) - right).mean())


def _binary_cross_entropy(logits: NDArray[np.float64], targets: Targets) -> float:
    """Return the mean over texts and labels of -log sigmoid, of the negated logit where a label is absent."""
    return float(np.logaddexp(0, np.where(targets > 0, -logits, logits)).mean())


_LOSSES: Mapping[Activation, _Loss] = {
    "softmax": _cross_entropy,
    "sigmoid": _binary_cross_entropy,
}
