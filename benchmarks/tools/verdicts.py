"""What is promised for each figure: the floor that must hold, the aim, and how a value compares.

All were set before anything was measured, but for `STEP`: it is this package's reading of "no cliffs".
"""

from __future__ import annotations

from dataclasses import dataclass

NONE = "–"


@dataclass(frozen=True)
class Target:
    """A promise about one figure.

    Args:
        floor: What must hold.
        aim: What is hoped for; None: no more than the floor.
        less_is_better: Whether smaller values are the good ones.
        form: Of numbers in a table.
    """

    floor: float
    aim: float | None = None
    less_is_better: bool = False
    form: str = ".1f"

    def verdict(self, value: float) -> str:
        """Say `aim`, `floor` or `**missed**`."""
        if self.aim is not None and self._holds(value, self.aim):
            return "aim"
        return "floor" if self._holds(value, self.floor) else "**missed**"

    def _holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.less_is_better else value >= bound


def judged(target: Target | None, value: float) -> tuple[str, str, str]:
    """Give the last cells of a row: floor, aim and verdict."""
    if target is None:
        return NONE, NONE, NONE
    aim = NONE if target.aim is None else f"{target.aim:{target.form}}"
    return f"{target.floor:{target.form}}", aim, target.verdict(value)


ONE_CORE: dict[int, Target] = {1: Target(1.3, 1.5), 8: Target(1.2, 1.4), 32: Target(1.1, 1.3)}
"""CTranslate2's time over ours, int8, one thread, by batch size."""

TWO_CORES = Target(1.2, 1.4)
SAME_TOKENS = Target(1.0, form=".0%")
INT8_CHANGES: dict[str, Target] = {
    "f1": Target(-0.003, form="g"),
    "accuracy": Target(-0.002, form="g"),
    "bleu": Target(-0.3, form="g"),
}
"""What a figure may lose by int8, by the last word of its name."""

EAGER: dict[int, Target] = {1: Target(2.0, 4.0), 32: Target(1.0, 2.0)}
"""Time of torch eager over ours, by batch size."""

BEST_TORCH = Target(1.4)
AROUND = Target(0.20, 0.10, less_is_better=True, form=".0%")
SCORE_DIFFERENCE = Target(1e-4, 0.0, less_is_better=True, form="g")
LOAD_MS_FLOOR = 300.0
ADDED_MIB_FLOOR = 150.0
STEP = Target(0.7, form=".2f")
"""Tokens a second from one point of the growth plot to the next."""
