"""The numbers in digits of a text as quantities; what a neighbour says of a number is taken into account."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from seqserve.text.checks.quantities.affixes import AFFIXES
from seqserve.text.checks.quantities.numeral import Numeral, numerals
from seqserve.text.checks.quantities.quantity import Quantity, canonical

MASK = "\0"  # replaces what has been read: no pattern matches across it

_DASH = re.compile(r"[-–—/]")
_BETWEEN = "|".join(row.ranges for row in AFFIXES.values())
_RANGE = re.compile(rf"(?: ?[-–—~～] ?|{_BETWEEN})[$€£¥]?")
_HOUR = re.compile(r" ?(?:[点时:]|o'clock)")


def digit_quantities(text: str) -> tuple[list[Quantity], str]:
    """Return the numbers in digits.

    Args:
        text: In NFKC, apart from superscripts, which are `^` and digits.

    Returns:
        The numbers in text order, and the text with `MASK` in the place of each.
    """
    found = _added_up(list(numerals(text)))
    is_afternoon = any(numeral.is_late for numeral in found)
    quantities, parts, end = [], [], 0
    for i, numeral in enumerate(found):
        values = _values(numeral)
        if i + 1 < len(found):
            found[i + 1], of_range = _as_range(numeral, found[i + 1], text)
            values |= of_range
        if is_afternoon and numeral.is_late is None and _HOUR.match(text, numeral.end):
            values |= _values(replace(numeral, is_late=True))
        quantities.append(Quantity(frozenset(values), numeral.strength))
        parts += [text[end : numeral.start], MASK * (numeral.end - numeral.start)]
        end = numeral.end
    return quantities, "".join([*parts, text[end:]])


def _added_up(numerals: Sequence[Numeral]) -> list[Numeral]:
    """Add up the parts of one number: 1亿 2000万."""
    found: list[Numeral] = []
    for numeral in numerals:
        last = found[-1] if found else None
        if (
            last is not None
            and last.end == numeral.start
            and 1 < numeral.scale < last.scale
            and last.value is not None
            and numeral.value is not None
        ):
            total = last.value * last.scale + numeral.value * numeral.scale
            found[-1] = replace(last, end=numeral.end, value=total, scale=1)
        else:
            found.append(numeral)
    return found


def _as_range(first: Numeral, last: Numeral, text: str) -> tuple[Numeral, set[str]]:
    """Read two adjacent numbers as a range, if they are one.

    Returns:
        The second with the value that it has if it is abbreviated (1040 in `1038-40`), and the further
        values of the first (3,000,000 in `3 to 5 million`).
    """
    if last.start - first.end > 12:
        return last, set()
    if first.value is not None and _DASH.fullmatch(text, first.end, last.start):
        last = _abbreviated(first, last)
    is_range = not first.has_affix and last.has_affix
    if is_range and _RANGE.fullmatch(text, first.end, last.start):
        return last, _values(first.with_affix_of(last))
    return last, set()


def _abbreviated(first: Numeral, last: Numeral) -> Numeral:
    is_plain = first.text.isdecimal() and last.text.isdecimal()
    if not is_plain or not 2 <= len(last.text) < len(first.text) <= 4:
        return last
    whole = first.text[: -len(last.text)] + last.text
    return replace(last, others=(*last.others, Decimal(whole)))


def _values(numeral: Numeral) -> set[str]:
    """Return all values that a numeral may stand for."""
    value = numeral.value
    if value is None:
        return {numeral.text}
    if numeral.share:
        scaled = value.scaleb(-numeral.share)
        return {f"{canonical(value)}/10^{numeral.share}", canonical(scaled)}
    if numeral.is_late is not None and 0 <= value <= 24:
        return set(map(canonical, _hours(value, numeral.is_late)))
    values = {value * numeral.scale, *numeral.others}
    if numeral.is_scale_unit:
        values |= {value, value * 10**6}  # 兆 is 10^6 or 10^12
    return _with_zeros(numeral, set(map(canonical, values)))


def _with_zeros(numeral: Numeral, values: set[str]) -> set[str]:
    """Keep the zeros at the end of a version number: 3.10 is not 3.1, but 10.50 is 10.5."""
    whole, _, fraction = numeral.text.partition(".")
    if not fraction.endswith("0") or "." in fraction or numeral.scale != 1:
        return values
    is_measure = numeral.is_amount or not fraction.strip("0") or len(whole) > 1
    return {numeral.text} | (values if is_measure else set())


def _hours(value: Decimal, is_late: bool) -> set[Decimal]:
    """Return an hour on the clock of 24 hours; midnight is 0, 12 and 24."""
    if value == 12:
        return {value} if is_late else {value, Decimal(0), Decimal(24)}
    return {value + 12} if is_late and value < 12 else {value}
