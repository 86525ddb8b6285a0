"""Numbers of payment cards: written as on cards, of a known network, with a valid check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seqserve.text.pii.context import is_after, words_before
from seqserve.text.pii.separators import plain_separators

_START = re.compile(r"(?<![A-Za-z0-9_])[0-9]{4}(?=[0-9 .-])")
_SHAPES = tuple(
    re.compile(rf"{digits}(?![A-Za-z0-9_])")
    for digits in (
        r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}",
        r"[0-9]{4}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
        r"[0-9]{4}([ .-])[0-9]{6}\1[0-9]{4,5}",
        r"()[0-9]{13,19}",
    )
)
# Where these are, a number goes on, or is a part of something else; unless another card is there.
_GOES_ON_BEFORE = re.compile(r"(?:[A-Za-z0-9_][/-]|(?<!\.)\.)$")
_GOES_ON_AFTER = re.compile(r"[.-][0-9]")
_BETWEEN = frozenset(" ./-")
_GROUP_BEFORE = re.compile(r"[0-9]{4} $")
_GROUP_AFTER = re.compile(r" [0-9]{4}")
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


@dataclass(frozen=True)
class _Card:
    """A number that may be a card, from `start` to before `end`, with its separator, which may be empty."""

    start: int
    end: int
    separator: str


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the numbers of payment cards of a text are, in order."""
    text = plain_separators(text)
    for row in _rows(text):
        if _starts(text, row[0]) and _ends(text, row[-1]):
            for one in row:
                if not is_after(text, one.start, _OF_OTHERS):
                    yield one.start, one.end


def is_card(digits: str) -> bool:
    """Return whether digits are the number of a card of a known network, with a valid check digit."""
    is_known = any(len(digits) in lengths and start.match(digits) for start, lengths in _NETWORKS)
    return is_known and len(set(digits)) > 1 and _luhn(digits) % 10 == 0


def _rows(text: str) -> Iterator[list[_Card]]:
    """Yield numbers that may be cards; those with one separator between them are one row."""
    row: list[_Card] = []
    place = 0
    while start := _START.search(text, place):
        card = _card_at(text, start.start())
        place = start.end() if card is None else card.end
        if card is None:
            continue
        if row and text[row[-1].end : card.start] not in _BETWEEN:
            yield row
            row = []
        row.append(card)
    if row:
        yield row


def _card_at(text: str, start: int) -> _Card | None:
    """Return the number with the most groups that starts at a place and may be a card."""
    for shape in _SHAPES:
        found = shape.match(text, start)
        if found and is_card(re.sub("[^0-9]", "", found.group())):
            return _Card(start, found.end(), found[1])
    return None


def _starts(text: str, card: _Card) -> bool:
    """Return whether a number starts where the card does."""
    before = text[max(0, card.start - 5) : card.start]
    is_longer = card.separator == " " and _GROUP_BEFORE.search(before)
    return not (is_longer or _GOES_ON_BEFORE.search(before))


def _ends(text: str, card: _Card) -> bool:
    """Return whether a number ends where the card does."""
    is_longer = card.separator == " " and _GROUP_AFTER.match(text, card.end)
    return not (is_longer or _GOES_ON_AFTER.match(text, card.end))


def _luhn(digits: str) -> int:
    """Return the sum of Luhn's algorithm, in which every second digit from the right is doubled."""
    values = [int(digit) for digit in reversed(digits)]
    return sum(values[::2]) + sum(sum(divmod(2 * value, 10)) for value in values[1::2])
