"""Numbers of payment cards: written as on cards, of a known network, with a valid check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seqserve.text.pii.context import is_after, words_before

_PATTERNS = tuple(
    re.compile(rf"(?<![\w./-])(?<!\d{{4}} ){digits}(?!\w|[./-]\d{more})")
    for digits, more in (
        (r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}\1\d{3}", r"|\1\d{4}"),
        (r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}", r"|\1\d{4}"),
        (r"\d{4}([ -])\d{6}\1\d{4,5}", r"|\1\d{4}"),
        (r"\d{13,19}", ""),
    )
)
_OF_OTHERS = words_before(
    """
    order invoice tracking parcel imei serial isbn ean gtin ticket case id
    """
)
# First digits and lengths of the networks. Source: ISO/IEC 7812, and the networks' published ranges.
_NETWORKS = tuple(
    (re.compile(digits), frozenset(lengths))
    for digits, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"6011|64[4-9]|65", (16, 19)),  # Discover
        (r"30[0-5]|3[689]", (14,)),  # Diners Club
        (r"35(?:2[89]|[3-8])", (16, 19)),  # JCB
        (r"62", (16, 19)),  # UnionPay
    )
)


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the numbers of payment cards of a text are; those with more groups first."""
    for pattern in _PATTERNS:
        for found in pattern.finditer(text):
            is_other = is_after(text, found.start(), _OF_OTHERS)
            if not is_other and is_card(re.sub(r"\D", "", found.group())):
                yield found.span()


def is_card(digits: str) -> bool:
    """Return whether digits are the number of a card of a known network, with a valid check digit."""
    is_known = any(len(digits) in lengths and start.match(digits) for start, lengths in _NETWORKS)
    return is_known and len(set(digits)) > 1 and _luhn(digits) % 10 == 0


def _luhn(digits: str) -> int:
    """Return the sum of Luhn's algorithm, in which every second digit from the right is doubled."""
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])
