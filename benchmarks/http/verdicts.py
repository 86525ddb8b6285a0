"""What is promised for the figures over HTTP; all set before anything was measured."""

from __future__ import annotations

from benchmarks.tools.verdicts import Target
from seqserve.tasks import Task

OVERHEAD: dict[str, Target] = {
    "embedded": Target(1.6, 1.3, less_is_better=True),
    "runners": Target(2.5, 1.8, less_is_better=True),
}
"""CPU time per request, as a multiple of the bare server's, by topology."""

THROUGHPUT: dict[Task, Target] = {
    "ner": Target(0.85, form=".2f"),
    "sentiment": Target(0.85, form=".2f"),
    "translation": Target(0.95, form=".2f"),
}
"""Texts per second over HTTP, as a share of the runtime's alone."""

TAIL = Target(3.0, less_is_better=True)
"""99th percentile at half of saturation, as a multiple of the median."""

ISOLATION = Target(3.0, less_is_better=True)
"""99th percentile beside a busy task, as a multiple of that on an idle server."""

RECOVERY = Target(1.25, less_is_better=True, form=".2f")
"""Median after a burst, as a multiple of that before; "back" is this package's reading."""
RECOVERED_BY_S = 2.0
"""The span after a burst that ends here must have recovered."""
