"""Numbers of a source that have no equal in its translation, and the reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seqserve.text.checks.quantities.quantity import Quantity, Strength

_MAX_MATCHED = 60  # numbers of a side; augmenting paths take time of their square


def unmatched(numbers: Sequence[Quantity], others: Sequence[Quantity]) -> list[Quantity]:
    """Return the numbers that have no equal among the others; each of those is the equal of one.

    As many of the strongest as possible are matched, then of the weaker ones. Of very many, each is matched
    by itself: a number that stands more often on one side is not noticed then.

    Args:
        numbers: Of one side, those that need an equal.
        others: All of the other side.

    Source:
        Maximum matching by augmenting paths (Kuhn, 1955), which never leaves out what is matched.
    """
    numbers, others = _without_equals(numbers, others)
    wanted = frozenset().union(*(one.values for one in numbers))
    others = [other for other in others if not wanted.isdisjoint(other.values)]
    if len(numbers) > _MAX_MATCHED or len(others) > _MAX_MATCHED:
        there = frozenset().union(*(other.values for other in others))
        return [one for one in numbers if there.isdisjoint(one.values)]
    partner: dict[int, int] = {}  # of others -> of numbers
    left = []
    for i in sorted(range(len(numbers)), key=lambda i: -numbers[i].strength):
        if not _augment(i, numbers, others, partner, set()):
            left.append(numbers[i])
    return left


def _without_equals(
    numbers: Sequence[Quantity], others: Sequence[Quantity]
) -> tuple[list[Quantity], list[Quantity]]:
    """Leave out numbers in digits that stand on both sides, which are most."""
    common = Counter(filter(None, map(_key, numbers))) & Counter(filter(None, map(_key, others)))
    if not common:
        return list(numbers), list(others)
    return _reduced(numbers, common.copy()), _reduced(others, common)


def _key(number: Quantity) -> str:
    """Return the value of a number in digits that has one; else nothing."""
    if number.strength != Strength.DIGITS or len(number.values) != 1:
        return ""
    (value,) = number.values
    return value


def _reduced(numbers: Sequence[Quantity], common: Counter[str]) -> list[Quantity]:
    left = []
    for one in numbers:
        key = _key(one)
        if common.get(key, 0) > 0:
            common[key] -= 1
        else:
            left.append(one)
    return left


def _augment(
    i: int,
    numbers: Sequence[Quantity],
    others: Sequence[Quantity],
    partner: dict[int, int],
    seen: set[int],
) -> bool:
    for j, other in enumerate(others):
        if j in seen or numbers[i].values.isdisjoint(other.values):
            continue
        seen.add(j)
        if j not in partner or _augment(partner[j], numbers, others, partner, seen):
            partner[j] = i
            return True
    return False
