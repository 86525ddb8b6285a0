"""Names of labels that mean the same, so that the labels of any model find those of another API."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = {
    "person": "per pers people",
    "location": "loc place gpe",
    "organization": "org organisation company",
    "other": "misc miscellaneous",
    "positive": "pos",
    "negative": "neg",
    "neutral": "neu",
}
_COMMON: Mapping[str, str] = {
    name: common for common, others in _NAMES.items() for name in (common, *others.split())
}


def common_name(label: str) -> str:
    """Return the name that stands for all labels of a meaning, in lower case: `person` for `PER`.

    A label that has no other name is returned in lower case.
    """
    return _COMMON.get(label.lower(), label.lower())
