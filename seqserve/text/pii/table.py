"""The rules as a table: kind of personal data → what finds it in a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqserve.text.pii.cards import find_cards
from seqserve.text.pii.emails import find_emails
from seqserve.text.pii.ibans import find_ibans
from seqserve.text.pii.ip_addresses import find_ip_addresses
from seqserve.text.pii.overlaps import without_overlaps
from seqserve.text.pii.phones import Check, find_phones

PiiKind: TypeAlias = Literal["email", "iban", "card", "ip_address", "phone"]
_UNKNOWN_LANGUAGE = "en"
"""How numbers are read in a text whose language is not known."""

Find: TypeAlias = Callable[[str, str, Check], Iterator[tuple[int, int]]]

FINDERS: Mapping[PiiKind, Find] = {
    "email": lambda text, *_: find_emails(text),
    "iban": lambda text, *_: find_ibans(text),
    "card": lambda text, *_: find_cards(text),
    "ip_address": lambda text, *_: find_ip_addresses(text),
    "phone": find_phones,
}
"""Takes a text, its language and the check of `find_pii`; where two kinds overlap, the earlier row wins."""


@dataclass(frozen=True)
class PiiSpan:
    """Personal data from `start` to before `end`, in code points."""

    start: int
    end: int
    kind: PiiKind


def find_pii(text: str, language: str | None = None, check: Check = lambda: None) -> list[PiiSpan]:
    """Return the personal data that rules find in a text, in order; none overlaps another.

    Precise rather than complete: a number must be valid and written as usual.

    Args:
        text: Any text.
        language: A BCP 47 tag, for numbers that are written in other ways elsewhere; None: it is not known.
        check: Called between the steps that take long; what it raises ends the search.
    """
    return without_overlaps(
        PiiSpan(start, end, kind)
        for kind, find in FINDERS.items()
        for start, end in find(text, language or _UNKNOWN_LANGUAGE, check)
    )
