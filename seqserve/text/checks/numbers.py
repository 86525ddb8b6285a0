"""`number_mismatch`: a number of the source has no equal in the translation, or the reverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

from seqserve.text.checks.digit_groups import is_number_lost, spelled_numbers
from seqserve.text.checks.pair import Pair
from seqserve.text.checks.quantities.matching import unmatched
from seqserve.text.checks.quantities.quantity import Quantity, Strength
from seqserve.text.checks.quantities.reading import (
    NUMBER_WORDS,
    further_words,
    quantities,
    readings,
)


def has_number_mismatch(pair: Pair) -> bool:
    """Return whether the numbers of a pair differ in value.

    Every number in digits, and every month of a date, needs an equal on the other side: digits, a number
    word or a numeral. A number word alone may be lost; but one on each side without an equal is a mismatch.
    Where a text can be read in several ways (`3,5`), one way without a mismatch is enough. If the number words
    of a language are not known, a number may be a word there: it must be large, or another one in its place.
    """
    source, target = pair.languages
    are_known = NUMBER_WORDS.keys() >= {source, target}
    if not are_known and is_number_lost(pair.source, pair.translation):
        return True
    if not are_known and spelled_numbers(pair.source) == spelled_numbers(pair.translation):
        return False
    of_source = [_Reading(text, (source, target)) for text in readings(pair.source, source)]
    of_translation = [
        _Reading(text, (target, source)) for text in readings(pair.translation, target)
    ]
    return all(_differs(*both, are_known) for both in product(of_source, of_translation))


@dataclass(frozen=True)
class _Reading:
    """A reading of a text.

    Args:
        text: The text as numbers are read in it.
        languages: That of the text, and the other one of the pair.
    """

    text: str
    languages: tuple[str, str]

    @cached_property
    def numbers(self) -> list[Quantity]:
        """What surely is a number, or may be one."""
        return quantities(self.text, self.languages)

    @cached_property
    def all_numbers(self) -> list[Quantity]:
        """The same, and words that seldom stand for a number."""
        return self.numbers + further_words(self.text, self.languages[0])


def _differs(source: _Reading, translation: _Reading, are_known: bool) -> bool:
    if source.numbers == translation.numbers:
        return False
    if not _missing(source.numbers, translation.numbers) and not _missing(
        translation.numbers, source.numbers
    ):
        return False
    # Rare from here on.
    lost = _missing(source.all_numbers, translation.all_numbers)
    added = _missing(translation.all_numbers, source.all_numbers)
    is_digits = are_known and any(one.strength == Strength.DIGITS for one in [*lost, *added])
    return is_digits or bool(lost and added)


def _missing(numbers: list[Quantity], others: list[Quantity]) -> list[Quantity]:
    """Return the numbers that need an equal among the others and have none."""
    return unmatched([one for one in numbers if one.strength > Strength.WEAK], others)
