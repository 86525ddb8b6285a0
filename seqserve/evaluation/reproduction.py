"""Compare measured metrics with those in the manifest of a bundle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqserve.errors import BundleError

PER_CENT = ("bleu", "chrf")  # measures of 0..100; all others are 0..1
TORCH_DIFFERENCE = "torch_max_difference"
INT8_AGREEMENT = "int8_agreement"
"""Metrics of export: the largest difference between torch and the fp32 graphs on random inputs; the share of
golden inputs for which int8 and its reference return the same but for scores."""
_TOLERANCE = 5e-4
_TOLERANCE_PER_CENT = 0.05
_SLACK = (
    1e-9  # a difference of the tolerance itself is allowed, whatever binary fractions make of it
)

Verdict = Literal["reproduced", "differs", "not measured", "new"]


@dataclass(frozen=True)
class Comparison:
    """One metric as recorded in the manifest and as measured; None if missing."""

    name: str
    recorded: float | None
    measured: float | None

    @property
    def verdict(self) -> Verdict:
        """Return whether both agree, with a tolerance, as a few answers differ between processors."""
        if self.recorded is None:
            return "new"
        if self.measured is None:
            return "not measured"
        is_per_cent = self.name.rsplit("_", 1)[-1] in PER_CENT
        allowed = _TOLERANCE_PER_CENT if is_per_cent else _TOLERANCE
        is_close = abs(self.recorded - self.measured) <= allowed + _SLACK
        return "reproduced" if is_close else "differs"

    def line(self) -> str:
        """Return the comparison as a line of text."""
        said = "nothing" if self.recorded is None else f"{self.recorded:g}"
        return f"{self.name} {_text(self.measured)}, {self.verdict}: the manifest says {said}"

    def change(self) -> str:
        """Return the change of the recorded metric as a line of text."""
        return f"{self.name} {_text(self.recorded)} → {_text(self.measured)}"


def _text(metric: float | None) -> str:
    return "—" if metric is None else f"{metric:g}"


def is_of_export(name: str) -> bool:
    """Return whether a metric compares the bundle with its reference, so that only export measures it."""
    return name in (TORCH_DIFFERENCE, INT8_AGREEMENT) or name.endswith("_change")


def compare(recorded: Mapping[str, float], measured: Mapping[str, float]) -> list[Comparison]:
    """Compare two sets of metrics, without those of export."""
    names = [*measured, *(name for name in recorded if name not in measured)]
    return [
        Comparison(name, recorded.get(name), measured.get(name))
        for name in names
        if not is_of_export(name)
    ]


def refuse_other_metrics(comparisons: Iterable[Comparison], path: Path) -> None:
    """Refuse a bundle whose metrics are not exactly those that were measured.

    Raises:
        BundleError: A metric differs, was not measured, or is not recorded; names all of these.
    """
    wrong = [c.line() for c in comparisons if c.verdict != "reproduced"]
    if wrong:
        raise BundleError(
            f"{path} does not reproduce the metrics of its manifest on these data: {'; '.join(wrong)}. If "
            "the data are right, seqserve dev card --accept-metrics records what was measured"
        )


def refuse_no_metrics(comparisons: Collection[Comparison], path: Path) -> None:
    """Raises BundleError: there is nothing to compare."""
    if not comparisons:
        raise BundleError(
            f"{path} has no metrics in its manifest and no test sets in its recipe, so there is "
            "nothing to compare: name [[data.test]] sets and export it again"
        )
