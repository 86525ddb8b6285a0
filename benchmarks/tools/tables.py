"""Cells and lines that all tables share."""

from __future__ import annotations

from benchmarks.tools.timing import Ratio
from loadtest.targets import FAIL, Target

NONE = "–"
CHECKED = ("target", "verdict")
"""Heads of the cells that `checked` returns."""


def checked(target: Target | None, value: float) -> tuple[str, str]:
    """Format a target and the verdict on a value."""
    if target is None:
        return NONE, NONE
    return str(target), in_bold(target.verdict(value))


def in_bold(verdict: str) -> str:
    """Emphasize the verdict `fail`."""
    return f"**{verdict}**" if verdict == FAIL else verdict


def ratio_cell(value: Ratio) -> str:
    """Format a ratio with its quartiles."""
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"
