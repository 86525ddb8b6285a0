"""The results of an annotation of Label Studio, as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seqserve.datasets.annotations.documents import Kind
from seqserve.datasets.annotations.fields import Fields

KEYS: Mapping[Kind, str] = {"spans": "labels", "labels": "choices", "translation": "text"}
"""The member of a result's value that has its labels or texts."""


@dataclass(frozen=True)
class Result:
    """A result.

    Args:
        kind: Of what it says.
        control: Name of its control.
        value: With the member of `KEYS`, and of spans the offsets and the text.
    """

    kind: Kind
    control: str
    value: Fields
