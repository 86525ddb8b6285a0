"""Chinese numerals: 二十五, 两百万, 二〇二五, 三点五, 第一, 三分之二, 百分之五十, 九十年代, 下午三点."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from seqserve.text.checks.quantities.quantity import Quantity, Strength, canonical, quantity

CHINESE_SCALES = "十百千万亿兆萬億"
_DIGITS = {
    **{char: n for n, char in enumerate("零一二三四五六七八九")},
    **{char: n for n, char in enumerate("〇壹贰叁肆伍陆柒捌玖") if n},
    **{"〇": 0, "两": 2, "幺": 1},
}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_CHARS = "".join([*_DIGITS, *_SMALL, *_LARGE])
_RUN = rf"[{_CHARS}]+"
_ROUGH = r"[数几上成好若]"  # 数百: some hundreds, no number

_NUMERAL = re.compile(
    rf"""
    (?P<run>{_RUN})
    (?:点(?P<fraction>[{"".join(_DIGITS)}]+)(?!分))?
    (?P<rest>[多余几来])?
    (?P<half>半)?
    (?P<after>年代|世纪|成|分之|
      [个位名只条张本次届年月日号天周時时点秒块种类项元倍岁层台辆场份页章节篇册步轮分件款座艘架头匹颗枚根支朵棵
      套双对组队家间所门句段行列字批代度米克斤吨升里亩人折]|小时|分钟|星期|公里|公斤|公顷|美元|英镑|欧元|英里)?
    """,
    re.VERBOSE,
)
_BEFORE = re.compile(
    rf"(?P<negative>负|零下)$|(?P<late>下午|晚上|傍晚|夜里|午后)$|(?P<share>[百千])分之$|(?P<part>分之)$"
    rf"|(?P<ordinal>第)$|(?P<rough>{_ROUGH})$"
)
_LONGEST_BEFORE = 3
_ALONE: tuple[tuple[re.Pattern[str], tuple[Decimal | int, ...]], ...] = tuple(
    (re.compile(pattern), values)
    for pattern, values in (
        (r"半", (Decimal("0.5"), 30, 1, 2)),
        (r"俩|双|对|翻倍|加倍", (2,)),
        (r"仨", (3,)),
        (r"单|首|每|同|元月|正月|初|独", (1,)),
        (r"刻", (15, 45)),
        (r"中午|正午", (12,)),
        (r"午夜|半夜", (0, 12, 24)),
        (r"无|没有", (0,)),
    )
)
"""Words that may stand for a number; as equals only."""


def scale_of(scales: str) -> int:
    """Return what a run of scale characters multiplies by: 万亿 is 10 ** 12."""
    product = 1
    for char in scales:
        product *= _SMALL.get(char) or _LARGE[char]
    return product


def chinese_numerals(text: str, strength: Strength) -> Iterator[Quantity]:
    """Yield the Chinese numerals of a text, in order.

    Args:
        text: In NFKC, numbers in digits masked.
        strength: Of a numeral that surely is one: it has a measure word, or several characters.
    """
    for match in _NUMERAL.finditer(text):
        start = match.start()
        before = _BEFORE.search(text[max(0, start - _LONGEST_BEFORE) : start])
        context = before.lastgroup if before else None
        if match["after"] == "分之" and match["run"] in ("百", "千", "万"):
            continue
        if match["after"] == "分之" or context == "part":
            yield quantity([value_of(match["run"])], Strength.WEAK)
        else:
            share = 2 if before and before["share"] == "百" else 3
            yield _read(match, context, share, strength)


def chinese_words(text: str) -> Iterator[Quantity]:
    """Yield what else may stand for a number, as equals only."""
    for pattern, values in _ALONE:
        for _ in pattern.finditer(text):
            yield quantity(values, Strength.WEAK)


def _read(match: re.Match[str], context: str | None, share: int, strength: Strength) -> Quantity:
    """Read a numeral; the context is the group of `_BEFORE`."""
    value = Decimal(value_of(match["run"]))
    if context == "share":
        return quantity([f"{canonical(value)}/10^{share}", value.scaleb(-share)], strength)
    if match["after"] == "成":
        return quantity([f"{canonical(value * 10)}/10^2", value / 10, value], Strength.WEAK)
    values = {value}
    if match["fraction"]:
        fraction = "".join(str(_DIGITS[char]) for char in match["fraction"][:20])
        values.add(Decimal(f"{value}.{fraction}"))
    if context == "late" and value < 12:
        values.add(value + 12)
    if match["half"]:
        values.add(value + Decimal("0.5"))
    if context == "negative":
        values = {-one for one in values}
    if match["after"] == "年代":
        values |= {1900 + value, 2000 + value}
    is_rough = context == "rough" or match["rest"] or value <= 1
    is_counted = match["after"] or context == "ordinal"
    surely = Strength.WORD if is_counted and not is_rough else Strength.WEAK
    return quantity(values, min(strength, surely))


def value_of(run: str) -> int:
    """Return the value of a run of numeral characters: 二十五 is 25, 二〇二五 is 2025."""
    if not any(char in _SMALL or char in _LARGE for char in run):
        return int("".join(str(_DIGITS[char]) for char in run[:28]))
    total = section = digit = 0
    last = 1
    for char in run[:28]:
        if char in _DIGITS:
            digit = _DIGITS[char]
            last = 10 if char in "零〇" else last
        elif char in _SMALL:
            section += (digit or 1) * _SMALL[char]
            digit, last = 0, _SMALL[char]
        else:
            section += digit
            if 0 < total < _LARGE[char]:  # 二万亿
                total = (total + section) * _LARGE[char]
            else:
                total += (section or 1) * _LARGE[char]
            section, digit, last = 0, 0, _LARGE[char]
    # A digit at the end is of the next lower unit: 三千五 is 3500.
    trailing = digit * (last // 10 if last > 10 else 1)
    return total + section + trailing
