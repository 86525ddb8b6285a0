"""How much quality int8 may cost."""

from __future__ import annotations

from collections.abc import Mapping

INT8_COSTS = {"f1": 0.003, "accuracy": 0.002, "bleu": 0.3}
"""Metric -> the largest loss that is accepted."""


def too_costly(changes: Mapping[str, float]) -> list[str]:
    """Return a sentence for every metric that lost more than int8 may cost.

    Args:
        changes: Metric of a data set -> int8 minus fp32.
    """
    return [
        f"int8 changes {metric} by {change:+g}; at most {-allowed:+g} is allowed"
        for metric, change in changes.items()
        if (allowed := INT8_COSTS.get(metric.rsplit("_", 1)[-1])) is not None and change < -allowed
    ]
