"""Entities with the categories of Azure AI Language, and their places in a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seqserve.text.offsets import unit_span
from service.api.dialects.label_names import common_name
from service.api.dialects.places import Json, Place

_CATEGORIES: Mapping[str, str] = {
    "person": "Person",
    "organization": "Organization",
    "location": "Location",
}


def category_of(label: str) -> str:
    """Return the category of a label: one of Azure's, or else the label itself."""
    return _CATEGORIES.get(common_name(label), label)


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
