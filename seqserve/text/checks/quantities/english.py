"""English number words: twenty-five, a hundred, two thirds, the third, twice, March, the nineties."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from seqserve.text.checks.quantities.quantity import Quantity, Strength, quantity

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: n for n, word in enumerate(_UNITS)} | {
    word: 10 * n for n, word in enumerate(_TENS, start=2)
}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_IRREGULAR = {"first": 1, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}


def _ordinals() -> dict[str, int]:
    regular = {f"{word}th": n for word, n in _SMALL.items() if 3 < n < 20}
    tens = {f"{word[:-1]}ieth": n for word, n in _SMALL.items() if n >= 20}
    return regular | tens | _IRREGULAR


_ORDINALS = _ordinals()
_VALUES = _SMALL | _ORDINALS
_MULTIPLIERS = {"hundred": 100, "dozen": 12, "hundredth": 100} | _LARGE
_WORD = "|".join(sorted([*_VALUES, *_MULTIPLIERS], key=len, reverse=True))
_RUN = re.compile(
    rf"\b(?=[zotfsenhmbd])(?P<run>(?:{_WORD})s?(?:(?:[ -]|,? and )(?:{_WORD})s?)*)\b"
    r"(?P<half> and a half)?(?P<share> per ?cent\b)?",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"\b(?:minus|negative) $", re.IGNORECASE)
_ROUGH = re.compile(r"(?:few|several|many|some|couple of|couple) $", re.IGNORECASE)
_SPLIT = re.compile(r"[ ,-]+(?:and )?")

_ALONE = {
    **dict.fromkeys(("a", "an", "once", "single", "another", "each", "every", "per", "either", "sole"), (1,)),
    **dict.fromkeys(("second", "twice", "double", "doubled", "doubles", "both", "pair", "pairs", "couple",
                     "dual", "two-way", "twins"), (2,)),
    **dict.fromkeys(("triple", "tripled", "trio", "thrice", "triplets"), (3,)),
    **dict.fromkeys(("quarter", "quarters", "quarterly"), (4, 1, 3, Decimal("0.25"), 15)),
    **dict.fromkeys(("half", "halves", "halved", "halfway"), (Decimal("0.5"), 1, 2, 30, "50/10^2")),
    **dict.fromkeys(("no", "none", "nil", "nothing", "without"), (0,)),
    **dict.fromkeys(("noon", "midday"), (12,)),
    "midnight": (0, 12, 24),
    **dict.fromkeys(("decade", "decades"), (10,)),
    **dict.fromkeys(("century", "centuries", "centennial", "centenary"), (100,)),
    "fortnight": (2, 14),
    "millennium": (1000,),
    "score": (20,),
    "quadruple": (4,),
    **dict.fromkeys(("weekly", "week"), (7,)),
    **dict.fromkeys(("annual", "yearly", "year"), (1, 12)),
    **dict.fromkeys(("day", "daily"), (24, 1)),
    **dict.fromkeys(("hour", "hourly"), (60, 1)),
}  # fmt: skip
"""Words that may stand for a number; as equals only."""
_DENOMINATORS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}
_ALONE_WORD = re.compile(rf"\b(?:{'|'.join(_ALONE)})\b", re.IGNORECASE)
_ROMAN = re.compile(r"\b[IVX]{1,7}\b")
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}
_NINETIES = re.compile(r"\b(?:twen|thir|for|fif|six|seven|eigh|nine)ties\b", re.IGNORECASE)

_MONTHS = {
    name: n
    for n, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun"),
            *("july jul", "august aug", "september sept sep", "october oct", "november nov"),
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = re.compile(rf"\b(?=[jfmasond])(?P<month>{'|'.join(_MONTHS)})\b\.?(?P<date>,? ?\0)?", re.I)
_BEFORE_MONTH = re.compile(
    r"(?:(?P<day>\0(?:st|nd|rd|th)? (?:of )?)"
    r"|\b(?P<when>(?:in|by|since|until|till|from|of|last|next|early|late) |mid-))$",
    re.IGNORECASE,
)
_LONGEST_BEFORE = 8
_ALSO_NAMES = {"April", "June", "August"}
_ALSO_WORDS = {"march", "may"}


def english_numerals(text: str, strength: Strength) -> Iterator[Quantity]:
    """Yield the number words and the months of a text.

    Args:
        text: In NFKC, numbers in digits masked.
        strength: Of a number word that surely is one. A month of a date is as sure as digits.
    """
    for match in _RUN.finditer(text):
        yield from _read(match, text, strength)
    for match in _NINETIES.finditer(text):
        ten = _TENS.index(match.group().lower()[:-3] + "y")
        yield quantity([20 + 10 * ten, 1920 + 10 * ten], Strength.WEAK)
    for match in _MONTH.finditer(text):
        of_month = _strength_of_month(match, text) if strength else Strength.WEAK
        yield quantity([_MONTHS[match["month"].lower()]], of_month)


def english_words(text: str) -> Iterator[Quantity]:
    """Yield what else may stand for a number, as equals only."""
    for match in _ALONE_WORD.finditer(text):
        word = match.group().lower()
        yield quantity(_ALONE[word], Strength.WEAK)
        if word in _DENOMINATORS:
            yield quantity([_DENOMINATORS[word]], Strength.WEAK)
    for match in _ROMAN.finditer(text):
        yield quantity([_roman(match.group())], Strength.WEAK)


def _read(match: re.Match[str], text: str, strength: Strength) -> Iterator[Quantity]:
    values = list(values_of(_SPLIT.split(match["run"].lower())))
    before = text[max(0, match.start() - _LONGEST_BEFORE - 2) : match.start()]
    is_rough = _ROUGH.search(before) is not None
    for i, value in enumerate(values):
        is_last = i == len(values) - 1
        known = [Decimal(value)]
        if match["half"] and is_last:
            known += [value + Decimal("0.5"), value * Decimal("1.5")]
        if not i and _NEGATIVE.search(before):
            known = [-one for one in known]
        if match["share"] and is_last:
            yield quantity([f"{known[0].normalize()}/10^2", known[0].scaleb(-2)], strength)
            continue
        is_sure = value > 1 and not is_rough and not match["run"].lower().endswith("s")
        yield quantity(known, min(strength, Strength.WORD if is_sure else Strength.WEAK))


def values_of(words: list[str]) -> Iterator[int]:
    """Yield the values of a run of number words: `twenty`, `five`, `two`, `hundred` are 25 and 200."""
    total, part = 0, 0
    is_open = False  # whether a number has begun
    for word in words:
        name = word if word in _VALUES or word in _MULTIPLIERS else word.removesuffix("s")
        if name in _LARGE:
            total, part, is_open = total + (part or 1) * _LARGE[name], 0, True
        elif name in _MULTIPLIERS:
            if part > 100:  # two hundred and | three hundred
                yield total + part - part % 100
                total, part = 0, part % 100
            part, is_open = (part or 1) * _MULTIPLIERS[name], True
        else:
            value = _VALUES[name]
            if is_open and not _continues(total + part, value):
                yield total + part
                total, part = 0, 0
            part, is_open = part + value, True
    if is_open:
        yield total + part


def _continues(number: int, value: int) -> bool:
    """Return whether a value is the next part of a number: 5 after 20 or 100, not after 3."""
    if value >= 10:
        return number % 100 == 0 and number > 0
    return value > 0 and number % 10 == 0 and number % 100 != 10 and number > 0


def _roman(numeral: str) -> int:
    total = 0
    values = [_ROMAN_DIGITS[char] for char in numeral]
    for value, following in zip(values, [*values[1:], 0], strict=True):
        total += -value if value < following else value
    return total


def _strength_of_month(match: re.Match[str], text: str) -> Strength:
    """Return how surely a word is a month: May and March are words, April and June names as well."""
    start = match.start()
    before = _BEFORE_MONTH.search(text[max(0, start - _LONGEST_BEFORE) : start])
    month = match["month"]
    is_capitalised = month[0].isupper()
    is_word = month.lower() in _ALSO_WORDS
    if is_word and not is_capitalised:
        return Strength.WEAK
    if match["date"] or (before and (before["day"] or is_capitalised)):
        return Strength.DIGITS
    if not is_capitalised or is_word or len(month) < 4:
        return Strength.WEAK
    return Strength.WORD if month in _ALSO_NAMES else Strength.DIGITS
