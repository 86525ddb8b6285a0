"""A segment and its translation, as the checks read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from seqserve.text.protected import ProtectedSpan, protected_spans


@dataclass(frozen=True)
class Pair:
    """A segment and its translation.

    Args:
        source: The segment.
        translation: Its translation.
        languages: Of the source and of the translation.
    """

    source: str
    translation: str
    languages: tuple[str, str]

    @cached_property
    def protected(self) -> list[ProtectedSpan]:
        """The protected spans of the source."""
        return protected_spans(self.source)
