"""One number of a text: every value that it may stand for, and how surely it must be translated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

_MAX_DIGITS = 28  # Decimal rounds what is longer
_MAX_EXPONENT = 400


class Strength(IntEnum):
    """How surely a number must have an equal on the other side.

    WEAK: it may be one (`一` of `一些`, the article `a`). It serves as an equal, and is never missed.
    WORD: a number word. Translations leave them out rightly, so one is missed only if there is one on the
    other side that has no equal either.
    DIGITS: written in digits, or part of a date. It must have an equal.
    """

    WEAK = 0
    WORD = 1
    DIGITS = 2


@dataclass(frozen=True)
class Quantity:
    """A number.

    Args:
        values: All values that it may stand for, as `canonical` writes them: `3` and `15` for a time of
            day that is ambiguous.
        strength: How surely it must have an equal.
    """

    values: frozenset[str]
    strength: Strength = Strength.DIGITS


def quantity(values: Iterable[Decimal | int | str], strength: Strength) -> Quantity:
    """Return the quantity of some values."""
    return Quantity(frozenset(map(canonical, values)), strength)


def canonical(value: Decimal | int | str) -> str:
    """Return the one way to write a value; a string, such as a version number, stays as it is."""
    if isinstance(value, str):
        return value
    return str(Decimal(value).normalize())


def parse(digits: str) -> Decimal | None:
    """Return the value of a number in plain digits; None: too long for exact arithmetic."""
    return Decimal(digits) if len(digits) <= _MAX_DIGITS else None


def power(base: Decimal, exponent: str) -> Decimal | None:
    """Return base ** exponent; None: out of range, or not exact."""
    n = int(exponent)
    if abs(n) > _MAX_EXPONENT or abs(base) > 1000 or base == 0:
        return None
    if base == 10:
        return Decimal(1).scaleb(n)
    return base**n
