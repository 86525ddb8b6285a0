from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from seqserve.text.checks.numbers import has_number_mismatch
from seqserve.text.checks.pair import Pair
from tests.timing import grows_linearly

PAIRS = Path(__file__).with_name("numbers.jsonl")
"""Sentences with a right translation and one with a wrong number, written for this test. Those of the part
`held out` were not looked at while the check was written."""


def differs(source: str, translation: str, languages: tuple[str, str] = ("en", "zh")) -> bool:
    return has_number_mismatch(Pair(source, translation, languages))


@dataclass(frozen=True)
class Rates:
    precision: float
    recall: float


def rates(parts: set[str]) -> Rates:
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["part"] in parts]
    n_right = sum(differs(row["source"], row["wrong"]) for row in rows)
    n_false = sum(differs(row["source"], row["right"]) for row in rows)
    return Rates(n_right / (n_right + n_false), n_right / len(rows))


def test_the_set_is_large_and_half_of_it_is_wrong() -> None:
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    assert len({row["source"] for row in rows}) == len(rows) >= 150
    assert all(row["right"] != row["wrong"] for row in rows)


@pytest.mark.parametrize("parts", [{"tuning"}, {"held out"}, {"tuning", "held out"}], ids=str)
def test_precision_and_recall(parts: set[str]) -> None:
    found = rates(parts)
    assert found.precision >= 0.9 and found.recall >= 0.8


EQUAL = {
    "scale words": [
        ("5 million", "500万"),
        ("8,000,000 rows", "800万行"),
        ("1.2 trillion", "1.2万亿"),
        ("120 million", "1亿2000万"),
        ("5k users", "5000用户"),
        ("$3bn", "30亿美元"),
        ("£3m", "300万英镑"),
        ("3 hundred", "3百"),
        ("24 billion km", "240亿千米"),
        ("5 MB and 3M", "5 MB 和 3M"),
    ],
    "units that look like scales": [("3 kg", "3千克"), ("5 km", "5千米"), ("50 kW", "50千瓦")],
    "ranges": [
        ("3 to 5 million", "300万到500万"),
        ("3-5 million", "300万至500万"),
        ("10-20%", "10%-20%"),
        ("2.5 to 3 percent", "2.5%至3%"),
        ("3 to 5 pm", "下午3点到5点"),
        ("1038–40", "1038 年至 1040 年"),
    ],
    "dates": [
        ("March 4, 1987", "1987年3月4日"),
        ("4 March 1987", "1987年三月四日"),
        ("January 2020", "2020年1月"),
        ("in May", "在5月"),
        ("Sept. 3rd", "9月3日"),
        ("2025-05-01", "2025年5月1日"),
        ("you may 3 times", "你可以3次"),
        ("march 5 miles", "行军5英里"),
    ],
    "decades and centuries": [
        ("the 1990s", "20世纪90年代"),
        ("the 1990s", "二十世纪九十年代"),
        ("the '80s", "80年代"),
        ("the nineties", "90年代"),
        ("the 1800s", "19世纪"),
        ("the 19th century", "十九世纪"),
    ],
    "times of day": [
        ("3 pm", "15点"),
        ("3 p.m.", "下午3点"),
        ("3 pm", "下午三点"),
        ("9 am", "上午9点"),
        ("12 am", "0点"),
        ("noon", "12点"),
        ("10:00", "10点"),
        ("half past 10", "10点30分"),
    ],
    "signs": [
        ("-5 degrees", "零下5度"),
        ("−5 degrees", "-5度"),
        ("minus 5", "负5"),
        ("15 degrees below zero", "零下15度"),
        ("returns -1", "返回-1"),
        ("UTF-8 and COVID-19", "UTF-8和COVID-19"),
        ("pages 3-5", "第3-5页"),
    ],
    "exponents": [
        ("1e-5", "1e-5"),
        ("10^6", "100万"),
        ("10⁶", "10^6"),
        ("2^10", "2的10次方"),
        ("5 m²", "5平方米"),
        ("10**999999", "10**999999"),
    ],
    "separators": [
        ("1,000", "1000"),
        ("10 000 people", "10000人"),
        ("1.000.000", "1000000"),
        ("3,5 kg", "3.5 公斤"),
        ("[1,2,3]", "[1, 2, 3]"),
        ("１０ files", "10 个文件"),
        ("rooms 12 100 200", "12、100、200号房间"),
        (".5 seconds", "0.5秒"),
        ("$4.50", "4.5美元"),
    ],
    "shares": [
        ("50%", "百分之五十"),
        ("50 percent", "50%"),
        ("5‰", "千分之5"),
        ("fifty percent", "50%"),
        ("90%", "九成"),
        ("3 percentage points", "3个百分点"),
    ],
    "fractions": [
        ("1/2", "二分之一"),
        ("two thirds", "三分之二"),
        ("half", "1/2"),
        ("three quarters", "3/4"),
        ("½ cup", "1/2杯"),
        ("2 and a half", "两个半"),
    ],
    "number words": [
        ("3 apples", "三个苹果"),
        ("two files", "2个文件"),
        ("a hundred", "100"),
        ("a dozen", "12个"),
        ("the 1st place", "第一名"),
        ("third", "第3"),
        ("twenty-five", "二十五"),
        ("three thousand five hundred", "三千五"),
        ("two hundred and three hundred", "200和300"),
        ("twice", "2次"),
        ("both", "2个"),
        ("a row", "1行"),
    ],
    "lost number words": [
        ("one thing", "东西"),
        ("the first step", "步骤"),
        ("Two heads are better", "集思广益"),
        ("hundreds of people", "很多人"),
        ("a second", "一秒"),
        ("wait", "等一下"),
        ("of course", "万一"),
    ],
    "as they are": [
        ("version 1.2.3", "版本 1.2.3"),
        ("192.168.0.1", "192.168.0.1"),
        ("Chapter III", "第3章"),
        ("It&#39;s here", "在这里"),
        ("3D", "三维"),
        ("99999999999999999999999999999999", "99999999999999999999999999999999"),
    ],
}
OTHER = {
    "scale words": [
        ("5 million dollars", "5万美元"),
        ("3 billion", "3万"),
        ("50 million rows", "50万万行"),
        ("7 billion rows", "7 个行"),
        ("5k users", "5用户"),
        ("500 thousand", "500万"),
    ],
    "dates": [
        ("Monday, 3 February 2025", "3 月 2025"),
        ("The conference takes place in May 2025.", "会议在2025年举行"),
        ("July 4", "6月4日"),
        ("December 31", "12月13日"),
        ("in October", "在11月"),
    ],
    "decades and centuries": [
        ("the 1990s", "20世纪80年代"),
        ("the '80s", "60年代"),
        ("the 19th century", "9世纪"),
        ("the 1800s", "17世纪"),
        ("1990s", "20世纪"),
    ],
    "times of day": [
        ("3 pm", "上午3点"),
        ("3 pm", "13点"),
        ("9 am", "下午9点"),
        ("12 pm", "0点"),
        ("10:30", "10点"),
    ],
    "signs": [
        ("-5 degrees", "5度"),
        ("5 degrees", "零下5度"),
        ("minus 3", "3"),
        ("15 below zero", "15度"),
        ("returns -1 or", "返回 1"),
    ],
    "exponents": [
        ("1e-5", "1e5"),
        ("10^6", "106"),
        ("2^32", "232"),
        ("10⁶", "10⁵"),
        ("10^999999", "10^999998"),
    ],
    "separators": [
        ("3,5 kg", "35 公斤"),
        ("3,14", "314"),
        ("1,2,3", "123"),
        ("$1,000,000", "$1,0000,00"),
        ("1.5", "15"),
        ("3.10", "3.1"),
    ],
    "shares": [
        ("50%", "50"),
        ("0.5‰", "0.5%"),
        ("12%", "21%"),
        ("百分之", "5%"),
        ("fifty percent", "百分之五"),
    ],
    "fractions": [
        ("1/2", "1/4"),
        ("two thirds", "2/5"),
        ("3/4", "四分之一"),
        ("1/3", "三分之二"),
        ("½", "1/3"),
    ],
    "number words": [
        ("twenty-five students", "三十五名学生"),
        ("three sisters", "四个姐妹"),
        ("the third row", "第二行"),
        ("3 apples", "五个苹果"),
        ("two files", "5个文件"),
        ("seven days", "七十天"),
    ],
    "as they are": [
        ("version 1.2.3", "版本 1.3.2"),
        ("192.168.0.1", "192.168.1.0"),
        ("99999999999999999999999999999999", "99999999999999999999999999999998"),
        ("Wait.", "等待 7 秒。"),
        ("Wait 5 seconds.", "等待。"),
    ],
}


def rows(table: dict[str, list[tuple[str, str]]]) -> list[object]:
    return [
        pytest.param(*pair, id=f"{kind}: {pair[0]} | {pair[1]}")
        for kind, pairs in table.items()
        for pair in pairs
    ]


@pytest.mark.parametrize(("source", "translation"), rows(EQUAL))
def test_equal_numbers(source: str, translation: str) -> None:
    assert not differs(source, translation)


@pytest.mark.parametrize(("source", "translation"), rows(OTHER))
def test_other_numbers(source: str, translation: str) -> None:
    assert differs(source, translation)


@pytest.mark.parametrize(
    ("languages", "source", "translation", "expected"),
    [
        (("zh", "en"), "500万美元", "5 million dollars", False),
        (("zh", "en"), "500万美元", "5 thousand dollars", True),
        (("zh", "en"), "1987年3月4日", "March 4, 1987", False),
        (("zh", "en"), "三个苹果", "4 apples", True),
        (("en", "de"), "3.5 kg", "3,5 kg", False),
        (("en", "de"), "1,000 rows", "1.000 Zeilen", False),
        (("en", "de"), "1,000 rows", "10.000 Zeilen", True),
        (("de", "en"), "3,5 kg", "35 kg", True),
        (("xx", "yy"), "3 a", "3 b", False),
        (("xx", "yy"), "3 a", "4 b", True),
        (("en", "de"), "5 people", "fünf Leute", False),
        (("fr", "en"), "Les deux chats", "The 2 cats", False),
        (("en", "fr"), "20 million people", "20 millions de personnes", False),
        (("en", "fr"), "1.5 million", "1,5 million", False),
        (("en", "de"), "1.5 million", "1.500.000", False),
        (("en", "fr"), "on March 3, 2024", "le 3 mars 2024", False),
        (("en", "fr"), "10,000 days", "10 000 jours", False),
        (("en", "fr"), "1,000 times", "mille fois", False),
        (("en", "de"), "in 1987", "im Jahr", True),
        (("en", "de"), "in the year", "im Jahr 1987", True),
        (("en", "de"), "in 1987", "im Jahr 1978", True),
    ],
)
def test_other_languages(
    languages: tuple[str, str], source: str, translation: str, expected: bool
) -> None:
    assert differs(source, translation, languages) is expected


MANY = "one, two, three, " * 40


@pytest.mark.parametrize(
    ("source", "translation", "expected"),
    [
        (" ".join(map(str, range(200))), "、".join(map(str, range(200))), False),
        (" ".join(map(str, range(200))), "、".join(map(str, range(1, 200))), True),
        (f"{MANY} 7 files", "一个、两个、三个、" * 40 + " 7 个文件", False),
        (f"{MANY} 7 files", "一个、两个、三个、" * 40 + " 8 个文件", True),
        (MANY, "一个、两个、三个、" * 40, False),
        ("five " * 100, "四个" * 100, True),
    ],
)
def test_very_many_numbers(source: str, translation: str, expected: bool) -> None:
    assert differs(source, translation) is expected


HOSTILE = (
    *(
        "1",
        "1,000,",
        "1 000 ",
        "1.000.",
        "-",
        "-1",
        "1e5 ",
        "10^",
        "1%",
        "1-",
        "1,",
        "$",
        "¹",
        "&#1",
    ),
    *(
        "一",
        "万亿",
        "分之一",
        "百分之",
        "1亿",
        "下午",
        "20世纪",
        "one ",
        "hundred and ",
        "in may ",
        "X",
    ),
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_text(unit: str) -> None:
    assert grows_linearly(lambda text: differs(text, "x"), unit)


RANDOM = {
    "digits": "0123456789 ",
    "digits and separators": "0123456789., -",
    "Chinese numerals": "一二三四五六七八九十百千万 ",
    "fractions": "½⅓¼ ",
    "number words": ["one ", "hundred ", "million ", "twenty ", "third "],
    "affixes": ["5% ", "百分之5", "3 pm ", "下午3点", "5 million ", "500万", "March 3 "],
}


@pytest.mark.parametrize("parts", RANDOM.values(), ids=RANDOM)
def test_time_of_numbers_that_differ(parts: Sequence[str]) -> None:
    """Every reading of one text is compared with every reading of the other: each is to be read once."""
    random = Random(0)
    source, translation = ("".join(random.choices(parts, k=32_000)) for _ in range(2))
    assert grows_linearly(lambda text: differs(text, translation[: len(text)]), source)
