from __future__ import annotations

import pytest

from seqserve.text.reading import foreign_letter, is_rare_symbol, reading_of


def is_foreign(char: str) -> bool:
    return foreign_letter("en").match(char) is not None or is_rare_symbol(char)


READ = {
    "plain": ("Read the file.", "Read the file.", []),
    "full width": ("Read ｆｉｌｅ ０１！", "Read file 01!", []),
    "ideographic space": ("Read\u3000it", "Read it", []),
    "ideographic full stop": ("Read it。", "Read it.", []),
    "half-width full stop": ("Read it｡", "Read it.", []),
    "ideographic comma": ("Read it、 close it", "Read it, close it", []),
    "ideographic full stop behind a quotation": ("Read “it”。", "Read “it”.", []),
    "ideographic full stop behind code": ("Read `it`。", "Read `it`.", ["`it`"]),
    "ideographic full stop behind a Chinese word": ("The 北京。", "The 北京.", ["北京"]),
    "ideographic full stop inside a Chinese phrase": (
        "The 北京。东京 line",
        "The 北京。东京 line",
        ["北京。东京"],
    ),
    "ideographic full stop in code": ("Use `。` here。", "Use `。` here.", ["`。`"]),
    "ligature": ("The ﬁrst ofﬁce", "The first office", []),
    "mathematical letters": ("𝐑𝐞𝐚𝐝 𝑖𝑡", "Read it", []),
    "zero-width space": ("An\u200bgela", "Angela", []),
    "soft hyphen": ("An\u00adgela", "Angela", []),
    "byte order mark inside": ("An\ufeffgela", "Angela", []),
    "bidi marks": ("The \u202bfile\u202c is", "The file is", []),
    "joiner": ("An\u200dgela", "Angela", []),
    "emoji keep their joiners": ("A 👩\u200d🔬 is here", "A 👩\u200d🔬 is here", ["👩\u200d🔬"]),
    "emoji selector": ("I ❤\ufe0f it", "I ❤\ufe0f it", ["❤\ufe0f"]),
    "decomposed": ("Zu\u0308rich is", "Zürich is", ["Zürich"]),
    "repeated marks": ("Hello!!! Why???", "Hello! Why?", []),
    "repeated marks in code": ("Use `a!!` here!!", "Use `a!!` here!", ["`a!!`"]),
    "repeated marks in a URL": (
        "See https://a.b/c??d now",
        "See https://a.b/c??d now",
        ["https://a.b/c??d"],
    ),
    "full width in code": ("Use `ａ` ｈｅｒｅ", "Use `ａ` here", ["`ａ`"]),
    "invisible in a placeholder": (
        "Use {{a\u200bb}} he\u200bre",
        "Use {{a\u200bb}} here",
        ["{{a\u200bb}}"],
    ),
    "superscript": ("So x² is", "So x² is", ["x²"]),
    "arrow": ("Press → now", "Press → now", ["→"]),
    "operator": ("Use ≥ here", "Use ≥ here", ["≥"]),
    "foreign word": ("The Москва river", "The Москва river", ["Москва"]),
    "Chinese word": ("The 北京 river", "The 北京 river", ["北京"]),
    "Greek letter": ("Let α be", "Let α be", ["α"]),
    "punctuation": ("5, “a” – b… ×", "5, “a” – b… ×", ["×"]),
    "degrees": ("It is −5 °C, or 20° here", "It is −5 °C, or 20° here", ["−5 °C", "°"]),
    "marks of law": ("The Example® and © 2024", "The Example® and © 2024", ["®", "©"]),
    "currency": (
        "It is £1,000.50 or 5 €, not $5.",
        "It is £1,000.50 or 5 €, not $5.",
        ["£1,000.50", "5 €"],
    ),
    "placeholder": ("Ｒｅａｄ {x} now", "Read {x} now", ["{x}"]),
    "capitals": ("READ THE {x} FILE", "Read the {x} file", ["{x}"]),
}


@pytest.mark.parametrize(("sentence", "text", "spans"), READ.values(), ids=READ)
def test_reading(sentence: str, text: str, spans: list[str]) -> None:
    reading = reading_of(sentence, "en", is_foreign)
    assert reading.text == text
    assert [reading.text[s.start : s.end] for s in reading.spans] == spans
    assert reading.is_capitals == sentence.startswith("READ")


OTHERS = {
    "Chinese punctuation is Chinese": ("你好，世界！", "zh", "你好，世界！"),
    "Chinese full stop": ("你好。", "zh", "你好。"),
    "Japanese letters": ("ﾃｽﾄです。", "ja", "テストです。"),
    "joiners of Persian": ("می\u200cخواهم", "fa", "می\u200cخواهم"),
    "joiners of Hindi": ("क\u094d\u200dष", "hi", "क\u094d\u200dष"),
    "German letters": ("Größe ﬂach", "de", "Größe flach"),
}


@pytest.mark.parametrize(("sentence", "language", "text"), OTHERS.values(), ids=OTHERS)
def test_other_languages(sentence: str, language: str, text: str) -> None:
    assert reading_of(sentence, language, lambda char: False).text == text


@pytest.mark.parametrize(
    ("language", "foreign", "own"),
    [("en", "éñяα中", "aZ"), ("de", "яα中", "azäé"), ("zh", "яα", "中aé"), ("ru", "α中", "яaé")],
)
def test_foreign_letters(language: str, foreign: str, own: str) -> None:
    pattern = foreign_letter(language)
    assert all(pattern.match(char) for char in foreign)
    assert not any(pattern.match(char) for char in own)
