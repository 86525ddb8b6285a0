"""Targets and verdicts: the one vocabulary of load tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

PASS, FAIL, UNDECIDED = "pass", "fail", "too few requests"


@dataclass(frozen=True)
class Target:
    """A bound that a measured value must keep.

    Args:
        limit: The bound.
        is_lower: Whether the value must be at least the limit; otherwise at most.
        form: Format of numbers in a table.
    """

    limit: float
    is_lower: bool = False
    form: str = ".4g"

    def is_met(self, value: float) -> bool:
        """Return whether a value keeps the bound; NaN keeps none."""
        return value >= self.limit if self.is_lower else value <= self.limit

    def verdict(self, value: float) -> str:
        """Return `pass` or `fail`."""
        return PASS if self.is_met(value) else FAIL

    def __str__(self) -> str:
        """Format the bound with its direction."""
        return f"{'≥' if self.is_lower else '≤'} {self.limit:{self.form}}"


def at_least(limit: float, form: str = ".1f") -> Target:
    """Return a lower bound."""
    return Target(limit, is_lower=True, form=form)


def at_most(limit: float, form: str = ".1f") -> Target:
    """Return an upper bound."""
    return Target(limit, form=form)
