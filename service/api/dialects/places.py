"""Entities of a model and personal data of rules, with what another API calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.text.pii.overlaps import without_overlaps
from seqserve.text.pii.table import PiiKind
from service.api.personal_data import RULE_SCORE

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """An entity from `start` to before `end`, in code points."""

    start: int
    end: int
    category: str
    score: float


def places_of(
    entities: Sequence[Mapping[str, Any]], category_of: Callable[[str], str | None]
) -> Iterator[Place]:
    """Yield the entities of a model whose label has a category, in text order."""
    for one in entities:
        category = category_of(one["label"])
        if category is not None:
            yield Place(one["start"], one["end"], category, one["score"])


def personal_places(
    result: Mapping[str, Any],
    categories: Mapping[PiiKind, str],
    category_of: Callable[[str], str | None],
) -> list[Place]:
    """Return the personal data of a result, in text order.

    Args:
        result: Has the `entities` of the model, and what the `rules` found.
        categories: What the API calls the data that rules find.
        category_of: Returns what the API calls the entities with a label; None: they are no personal data.
    """
    by_rules = [
        Place(one.start, one.end, categories[one.kind], RULE_SCORE) for one in result["rules"]
    ]
    return without_overlaps([*by_rules, *places_of(result["entities"], category_of)])
