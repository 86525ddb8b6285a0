"""One number in digits with what stands around it: `-5`, `1,000`, `3.5 million`, `500万`, `10^6`, `3 pm`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from seqserve.text.checks.quantities.affixes import AFFIXES
from seqserve.text.checks.quantities.chinese import CHINESE_SCALES, scale_of
from seqserve.text.checks.quantities.quantity import Strength, parse, power


@dataclass(frozen=True)
class Numeral:
    """A number in digits.

    Args:
        start: First code point, with the affixes.
        end: One past the last code point, with the affixes.
        text: The digits, without separators of thousands.
        value: Of digits, sign and exponent; None: a version number, an address, or out of range.
        scale: What an affix multiplies the value by.
        is_scale_unit: Whether the scale may belong to a unit instead, as in `5M`.
        share: The power of ten that a per cent or per mille sign divides by; 0: none.
        is_amount: Whether it is an amount of money, and no version number.
        is_late: Whether it is a time in the afternoon; None: not said.
        others: Further values that it may stand for.
        strength: How surely it must be translated.
    """

    start: int
    end: int
    text: str
    value: Decimal | None
    scale: int = 1
    is_scale_unit: bool = False
    share: int = 0
    is_amount: bool = False
    is_late: bool | None = None
    others: tuple[Decimal, ...] = ()
    strength: Strength = Strength.DIGITS

    @property
    def has_affix(self) -> bool:
        """Whether something around it changes the value in a way that holds for a whole range."""
        return self.scale != 1 or self.share != 0 or self.is_late is not None

    def with_affix_of(self, other: Numeral) -> Numeral:
        """Return the numeral as the first end of a range: `3` of `3 to 5 million`."""
        return replace(self, scale=other.scale, share=other.share, is_late=other.is_late)


def _of_all(name: str) -> str:
    """Return the pattern of an affix in any language."""
    found = (getattr(row, name) for row in AFFIXES.values())
    return "|".join(pattern for pattern in found if pattern)


def _rows(name: str) -> list[tuple[str, int]]:
    """Return the patterns of an affix in all languages, each with its number."""
    rows: Iterable[Mapping[str, int]] = (getattr(row, name) for row in AFFIXES.values())
    return [(pattern, number) for row in rows for pattern, number in row.items()]


def _verbose(pattern: str) -> str:
    return pattern.replace(" ", r"\ ")


_SHARES_BEFORE = "|".join(pattern for pattern, _ in _rows("shares_before"))
# Bounded, so that the time for a long list of numbers grows with its length.
_NUMERAL = re.compile(
    rf"""
    (?P<negative>{_verbose(_of_all("negative"))})?
    (?:(?P<morning>{_verbose(_of_all("morning_before"))})
      |(?P<afternoon>{_verbose(_of_all("afternoon_before"))}))?
    (?P<share>{_verbose(_SHARES_BEFORE)})?
    (?P<sign>(?<![A-Za-z0-9_)\]}}.%])[-−–](?=[$€£¥]?\d))?
    (?P<currency>[$€£¥]\ ?)?
    (?P<digits>
        \d{{1,3}}(?:,\d{{3}}){{1,8}}(?![\d,])(?:\.\d+)?
      | \d{{1,3}}(?:\ \d{{3}}){{1,8}}(?![\d\ ]\d)(?!\d)(?:\.\d+)?
      | \d{{1,3}}(?:\.\d{{3}}){{2,8}}(?![\d.])
      | \d+(?:\.\d+)*
      | (?<![\w.])\.\d+
    )
    (?:[eE](?P<exponent>[-+−]?\d{{1,4}})(?!\w)
      | \ ?(?:\^|\*\*)\ ?[({{]?(?P<power>[-−]?\d{{1,4}})
      | \ ?的\ ?(?P<times>\d{{1,4}})\ ?次[方幂]
    )?
    (?P<han>\ ?[多余]?[{CHINESE_SCALES}]+)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AFTER = re.compile(
    rf"(?P<scale>{'|'.join(pattern for pattern, _ in _rows('scales'))})"
    r"|(?P<letter>(?<=\d)[kKMBm](?![A-Za-z0-9_/]))"
    rf"|(?P<share> ?[%‰](?![A-Za-z0-9_(])|{'|'.join(pattern for pattern, _ in _rows('shares'))})"
    rf"|(?P<below>{_of_all('below_zero')})"
    rf"|(?P<afternoon>{_of_all('afternoon')})|(?P<morning>{_of_all('morning')})"
    r"|(?P<decade>['’]?s\b| ?年代)",
    re.IGNORECASE,
)
_MAY_HAVE_SUFFIX = re.compile(r"[A-Za-z :°º%‰'’年个-]")  # what a suffix can begin with
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff]")
_UNIT_OF_THOUSAND = re.compile(r"[克米瓦伏帕卡赫字比位牛焦欧安升]")
_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9}


def numerals(text: str) -> Iterator[Numeral]:
    """Yield the numbers in digits of a text in NFKC, in order."""
    for match in _NUMERAL.finditer(text):
        yield _read(match, text)


def _read(match: re.Match[str], text: str) -> Numeral:
    digits = match["digits"].replace(" ", "").replace(",", "")
    numeral = Numeral(
        match.start(), match.end(), digits, _value(digits), is_amount=bool(match["currency"])
    )
    if match.end() - match.start() > len(match["digits"]):
        numeral = _with_prefix(_with_exponent(numeral, match), match, text)
    if match["han"]:
        return _with_chinese_scale(numeral, match, text)
    if numeral.has_affix or not _MAY_HAVE_SUFFIX.match(text, match.end()):
        return _as_exponent(numeral, text)
    after = _AFTER.match(text, match.end())
    if after is None or numeral.value is None:
        return _as_exponent(numeral, text)
    return _SUFFIXES[str(after.lastgroup)](replace(numeral, end=after.end()), after, match)


def _value(digits: str) -> Decimal | None:
    if digits.count(".") < 2:
        return parse(digits)
    first, *groups = digits.split(".")
    is_grouped = len(first) <= 3 and all(len(group) == 3 for group in groups)
    return parse(digits.replace(".", "")) if is_grouped else None


def _with_exponent(numeral: Numeral, match: re.Match[str]) -> Numeral:
    """Raise to a power: 1e-5, 10^6, 2的32次方."""
    value, text = numeral.value, numeral.text
    shift = match["exponent"]
    exponent = shift or match["power"] or match["times"]
    if not exponent or value is None:
        return numeral
    exponent = exponent.replace("−", "-")
    raised = power(Decimal(10) if shift else value, exponent)
    if shift and raised is not None:
        raised *= value
    return replace(numeral, value=raised, text=f"{text}{'e' if shift else '^'}{exponent}")


def _with_prefix(numeral: Numeral, match: re.Match[str], text: str) -> Numeral:
    if match["share"]:
        numeral = replace(numeral, share=_lookup(_rows("shares_before"), match["share"]))
    if match["morning"] or match["afternoon"]:
        numeral = replace(numeral, is_late=bool(match["afternoon"]))
    value = numeral.value
    if value is None or not (match["negative"] or match["sign"]):
        return numeral
    # A dash after an ideograph, or a long one, may be a hyphen as well.
    before = text[match.start() - 1 : match.start()]
    is_doubtful = match["sign"] and (match["sign"] == "–" or _IDEOGRAPH.match(before))
    others = (value,) if is_doubtful else ()
    return replace(numeral, value=-value, text=f"-{numeral.text}", others=others)


def _with_chinese_scale(numeral: Numeral, match: re.Match[str], text: str) -> Numeral:
    scales = match["han"].lstrip(" 多余")
    if scales.endswith("千") and _UNIT_OF_THOUSAND.match(text, match.end()):
        scales = scales[:-1]  # kilograms
    return replace(numeral, scale=scale_of(scales), is_scale_unit="兆" in scales)


def _as_exponent(numeral: Numeral, text: str) -> Numeral:
    """Return a numeral, a weak one if it is the exponent of a unit, or minutes of zero."""
    before = text[max(0, numeral.start - 2) : numeral.start]
    is_zero_minutes = numeral.text == "00" and before[-1:] == ":" and before[:1].isdigit()
    if before[-1:] == "^" or is_zero_minutes:
        return replace(numeral, strength=Strength.WEAK)
    return numeral


Suffix = Callable[[Numeral, re.Match[str], re.Match[str]], Numeral]
"""A numeral, the match of its suffix and its own match -> the numeral with the suffix."""


def _scale(numeral: Numeral, after: re.Match[str], match: re.Match[str]) -> Numeral:
    return replace(numeral, scale=_lookup(_rows("scales"), after.group()))


def _letter(numeral: Numeral, after: re.Match[str], match: re.Match[str]) -> Numeral:
    letter, has_currency = after.group(), match["currency"] is not None
    if letter == "m" and not has_currency:
        return replace(numeral, end=match.end())  # metres, minutes
    is_unit = letter in "MB" and not has_currency  # megabytes, a house number
    return replace(numeral, scale=_LETTERS[letter.lower()], is_scale_unit=is_unit)


def _share(numeral: Numeral, after: re.Match[str], match: re.Match[str]) -> Numeral:
    sign = after.group().strip()
    share = {"%": 2, "‰": 3}.get(sign) or _lookup(_rows("shares"), after.group())
    return replace(numeral, share=share)


def _below(numeral: Numeral, after: re.Match[str], match: re.Match[str]) -> Numeral:
    value = numeral.value
    return replace(numeral, value=None if value is None else -value)


def _decade(numeral: Numeral, after: re.Match[str], match: re.Match[str]) -> Numeral:
    """Add the other names of a decade or a century: 1990s, 90s; the 19th century for the 1800s."""
    value = numeral.value
    if value is None or value % 10 or value > 3000:
        return numeral
    others = [value % 100] if value > 100 else [1900 + value, 2000 + value]
    if value % 100 == 0:
        others.append(value / 100 + 1)
    return replace(numeral, others=tuple(others))


_SUFFIXES: Mapping[str, Suffix] = {
    "scale": _scale,
    "letter": _letter,
    "share": _share,
    "below": _below,
    "morning": lambda numeral, after, match: replace(numeral, is_late=False),
    "afternoon": lambda numeral, after, match: replace(numeral, is_late=True),
    "decade": _decade,
}
"""Group of `_AFTER` -> what it does to a numeral."""


def _lookup(rows: Sequence[tuple[str, int]], affix: str) -> int:
    """Return the number of the pattern that an affix matches."""
    return next(number for pattern, number in rows if re.fullmatch(pattern, affix, re.IGNORECASE))
