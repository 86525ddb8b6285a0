"""Phone numbers: valid ones, written as their country writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from phonenumbers import Leniency, PhoneNumberMatcher

from seqserve.text.languages import base_language
from seqserve.text.pii.context import is_after, words_before
from seqserve.text.pii.separators import plain_separators

Check: TypeAlias = Callable[[], None]
"""Raises an error to end a search."""

_REGIONS: Mapping[str, Sequence[str]] = {
    "cs": ("CZ",),
    "da": ("DK",),
    "de": ("DE", "AT", "CH"),
    "en": ("US", "GB"),
    "es": ("ES",),
    "fi": ("FI",),
    "fr": ("FR",),
    "it": ("IT",),
    "ja": ("JP",),
    "ko": ("KR",),
    "nl": ("NL",),
    "pl": ("PL",),
    "pt": ("PT", "BR"),
    "sv": ("SE",),
    "zh": ("CN",),
}
"""Where a number without a country code is valid, by the language of the text."""

# The matcher of the library takes 2 µs per character of any text, and up to a millisecond per candidate.
_CANDIDATE = re.compile(
    r"(?<![\w./@#=])(?<!\w-)(?!\d{1,3}(?:\.\d{1,3}){3}(?!\d))(?:\+|\()?\d(?:[ ./()-]{0,3}\d){6,14}"
    r"(?:[ ,]{0,2}(?i:x|ext\.?|extension)[ :]?\d{1,6})?(?![\w@%€$£]|[./-]\w)",
    re.ASCII,
)
_SEPARATED = re.compile(r"\d[ ./()-]+\d", re.ASCII)
_OF_OTHERS = words_before(
    """
    order invoice reference ref ticket case sku part serial account acct tracking isbn issn doi version model
    item code po id page pp vat tax customer contract policy booking flight room
    """
)
_MAX_TRIES = 3


def find_phones(text: str, language: str, check: Check = lambda: None) -> Iterator[tuple[int, int]]:
    """Yield where the phone numbers of a text are, in order.

    Args:
        text: Any text.
        language: A BCP 47 tag; it decides in which countries a number without a country code is valid.
        check: Called before every candidate.
    """
    text = plain_separators(text)
    regions = _REGIONS.get(base_language(language), ())
    for found in _CANDIDATE.finditer(text):
        check()
        given, start = found.group(), found.start()
        if given.startswith("+"):
            candidates: Sequence[str | None] = (None,)
        elif _SEPARATED.search(given) and not is_after(text, start, _OF_OTHERS):
            candidates = regions
        else:  # digits alone are more often a number of another kind
            continue
        for region in candidates:
            matcher = PhoneNumberMatcher(given, region, Leniency.STRICT_GROUPING, _MAX_TRIES)
            places = [(start + one.start, start + one.end) for one in matcher]
            if places:
                yield from places
                break
