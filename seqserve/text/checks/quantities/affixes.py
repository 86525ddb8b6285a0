"""What stands before or after the digits of a number and changes its value, a row per language.

The digits of a text are read with the affixes of all languages at once: no affix of one language means
something else in another, and untranslated ones are read as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Affixes:
    """The affixes of a language, as regular expressions.

    Args:
        scales: After the digits, and what it multiplies them by.
        shares: After the digits, and the power of ten that it divides them by: per cent, per mille.
        shares_before: The same before the digits.
        negative: Before the digits.
        below_zero: After the digits.
        morning: After the digits of a time of day.
        afternoon: The same.
        morning_before: Before the digits of a time of day.
        afternoon_before: The same.
        ranges: Between the ends of a range, so that the affix of the second is that of the first, too.
    """

    scales: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, int] = field(default_factory=dict)
    shares_before: Mapping[str, int] = field(default_factory=dict)
    negative: str = ""
    below_zero: str = ""
    morning: str = ""
    afternoon: str = ""
    morning_before: str = ""
    afternoon_before: str = ""
    ranges: str = ""


_THOUSAND, _MILLION, _BILLION, _TRILLION = 10**3, 10**6, 10**9, 10**12

AFFIXES: Mapping[str, Affixes] = {
    "en": Affixes(
        scales={
            r"[ -]?hundreds?\b": 100,
            r"[ -]?thousands?\b": _THOUSAND,
            r"[ -]?millions?\b": _MILLION,
            r"[ -]?billions?\b": _BILLION,
            r"[ -]?trillions?\b": _TRILLION,
            r"[ -]?dozens?\b": 12,
            r"[ -]?lakhs?\b": 10**5,
            r"[ -]?crores?\b": 10**7,
            r" ?bn\b": _BILLION,
            r" ?mn\b": _MILLION,
            r" ?tn\b": _TRILLION,
        },
        shares={r" ?per ?cent(?:age points?)?\b": 2, r" ?percentage points?\b": 2,
                r" ?per ?mill?e\b": 3},
        negative=r"\b(?:minus|negative) ",
        below_zero=r" ?(?:°|º|degrees?)? ?(?:[CF]\b|Celsius|Fahrenheit)? below (?:zero|freezing)",
        morning=r"(?::\d\d)? ?(?:am\b|a\.m\.|o'clock in the morning|in the morning)",
        afternoon=r"(?::\d\d)? ?(?:pm\b|p\.m\.|o'clock in the (?:afternoon|evening)"
        r"|in the (?:afternoon|evening)|at night)",
        ranges=r" ?(?:to|or|and|through|till|until) ?",
    ),
    "zh": Affixes(
        shares={r" ?个百分点": 2},
        shares_before={r"百分之 ?": 2, r"千分之 ?": 3},
        negative=r"(?:负|零下) ?(?:约 ?)?",
        morning_before=r"(?:上午|早上|早晨|清晨|凌晨|清早) ?的? ?",
        afternoon_before=r"(?:下午|晚上|傍晚|夜里|夜晚|今晚|昨晚|明晚|当晚|午后) ?的? ?",
        ranges=r" ?(?:到|至|或|和|与|、) ?",
    ),
}  # fmt: skip
"""Language -> its affixes. Chinese scales are numerals of their own, see chinese.py."""
