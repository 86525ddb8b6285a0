"""Entities with the categories of Azure AI Language, and their places in a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.text.offsets import unit_span

Json = dict[str, Any]

_CATEGORIES: Mapping[str, str] = {
    "PER": "Person",
    "PERSON": "Person",
    "ORG": "Organization",
    "ORGANIZATION": "Organization",
    "LOC": "Location",
    "LOCATION": "Location",
    "GPE": "Location",
}


@dataclass(frozen=True)
class Place:
    """An entity from `start` to before `end`, in code points."""

    start: int
    end: int
    category: str
    score: float


def places_of(entities: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Return the entities of a model with their categories: one of Azure's, or else the label itself."""
    return [
        Place(
            one["start"],
            one["end"],
            _CATEGORIES.get(one["label"].upper(), one["label"]),
            one["score"],
        )
        for one in entities
    ]


def entity_of(text: str, offsets: Sequence[int], place: Place) -> Json:
    """Return an entity with its place in the unit of a table of offsets."""
    start, end = unit_span(offsets, place.start, place.end)
    return {
        "text": text[place.start : place.end],
        "category": place.category,
        "offset": start,
        "length": end - start,
        "confidenceScore": place.score,
    }
