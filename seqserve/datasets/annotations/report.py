"""What became of an export: counts and examples of what was left out or changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, TypeAlias, get_args

from seqserve.datasets.annotations.documents import LeftOut

Topic: TypeAlias = Literal["left out", "entities left out", "changed", "note"]
"""Annotations that are not in the data set, entities that are not, what was changed, and what else to know."""
_N_EXAMPLES = 3
_MAX_DETAIL_CHARS = 200


class Report:
    """Counts by topic and reason, with the first places of each."""

    def __init__(self) -> None:
        self._counts: dict[Topic, Counter[str]] = {topic: Counter() for topic in get_args(Topic)}
        self._examples: dict[tuple[Topic, str], list[str]] = defaultdict(list)

    def add(self, topic: Topic, reason: str, where: str = "", detail: str = "") -> None:
        """Count one occurrence.

        Args:
            topic: What happened.
            reason: Why.
            where: The place in the export.
            detail: What it was; of a long one, only its start is kept.
        """
        self._counts[topic][reason] += 1
        examples = self._examples[topic, reason]
        if where and len(examples) < _N_EXAMPLES:
            more = "..." if len(detail) > _MAX_DETAIL_CHARS else ""
            detail = f"{detail[:_MAX_DETAIL_CHARS]}{more}"
            examples.append(f"{where}: {detail}" if detail else where)

    @contextmanager
    def leaving_out(self, where: str) -> Iterator[None]:
        """Count what the block leaves out, and continue behind it."""
        try:
            yield
        except LeftOut as error:
            self.add("left out", error.reason, where, error.detail)

    def count(self, topic: Topic) -> int:
        """Return how often something of a topic occurred."""
        return self._counts[topic].total()

    def lines(self) -> Iterator[str]:
        """Yield a line per reason: topic, count, reason and examples."""
        for topic, counts in self._counts.items():
            for reason, n in counts.items():
                shown = self._examples[topic, reason]
                more = "; …" if len(shown) < n and shown else ""
                where = f" ({'; '.join(shown)}{more})" if shown else ""
                number = "" if topic == "note" else f": {n:,}"
                yield f"{topic}: {reason}{number}{where}"

    def to_mapping(self) -> Mapping[str, Any]:
        """Return the counts and examples as JSON values."""
        return {
            topic: {
                reason: {"count": n, "examples": self._examples[topic, reason]}
                for reason, n in counts.items()
            }
            for topic, counts in self._counts.items()
        }
