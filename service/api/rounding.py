"""Round the scores of results: 6 digits are more than a model distinguishes, and half as long in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

N_DIGITS = 6


class ScoreRounder:
    """Rounds the scores in the JSON fields of a result, found once from the type of the result.

    A visit to every value of a result would find them as well, but takes longer.

    Args:
        kind: A dataclass of seqserve/records/.
    """

    def __init__(self, kind: type[Any]) -> None:
        hints = get_type_hints(kind)
        self._scores = [name for name, hint in hints.items() if hint is float]
        self._mappings = [name for name, hint in hints.items() if get_origin(hint) is Mapping]
        self._lists = {
            name: ScoreRounder(get_args(hint)[0])
            for name, hint in hints.items()
            if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0])
        }

    def round_in(self, fields: dict[str, Any]) -> None:
        """Round in place; parts that were not requested may be absent.

        The order of scores is kept. A sum of n probabilities changes by at most n * 5e-7.
        """
        for name in self._scores:
            fields[name] = round(fields[name], N_DIGITS)
        for name in self._mappings:
            scores = fields[name]
            fields[name] = {label: round(score, N_DIGITS) for label, score in scores.items()}
        for name, rounder in self._lists.items():
            for one in fields.get(name, ()):
                rounder.round_in(one)
