from __future__ import annotations

import pytest

from seqserve.text.capitals import without_capitals
from seqserve.text.protected import protected_spans
from seqserve.text.scripts import has_case

LOWERED = {
    "sentence": ("PLEASE SAVE YOUR WORK.", "Please save your work."),
    "two words": ("CLICK HERE", "Click here"),
    "acronyms": ("THE API USES HTTP", "The API uses HTTP"),
    "acronym first": ("PDF FILE NOT FOUND", "PDF file not found"),
    "number": ("ERROR 404: PAGE NOT FOUND", "Error 404: page not found"),
    "apostrophe": ("DON'T PANIC", "Don't panic"),
    "article": ("OPEN A FILE", "Open a file"),
    "quotes": ('"ACCESS DENIED"', '"Access denied"'),
    "placeholder": ("DELETE {name} NOW", "Delete {name} now"),
    "constant": ("SET MAX_SIZE NOW", "Set MAX_SIZE now"),
    "file name": ('COULD NOT OPEN "A.TXT"', 'Could not open "A.TXT"'),
    "file names": ("PLEASE SEE README.MD, C:\\DATA.CSV", "Please see README.MD, C:\\DATA.CSV"),
    "it": ("OPEN IT NOW.", "Open it now."),
    "it is": ("IT IS BROKEN.", "It is broken."),
    "us": ("CONTACT US", "Contact us"),
    "who": ("WHO IS IT?", "Who is it?"),
    "of a department": ("ASK THE IT TEAM", "Ask the IT team"),
    "of a country": ("MADE IN THE US", "Made in the US"),
    "of an organisation": ("THE WHO SAYS NO", "The WHO says no"),
    "host": ("VISIT WWW.EXAMPLE.COM NOW.", "Visit WWW.EXAMPLE.COM now."),
    "address": ("MAIL ME@HOST.ORG NOW", "Mail ME@HOST.ORG now"),
    "companies": ("AT&T BUYS R&D", "AT&T buys R&D"),
    "digits behind": ("PLAY MP3 AND UTF-8 FILES", "Play MP3 and UTF-8 files"),
    "digits behind a hyphen": ("THE COVID-19 CRISIS", "The COVID-19 crisis"),
    "digits before": ("THE 20TH CENTURY", "The 20th century"),
    "hyphen": ("A WELL-KNOWN FILE", "A well-known file"),
    "slash": ("OPEN AND/OR CLOSE", "Open and/or close"),
    "full stop": ("OPEN IT. CLOSE IT.", "Open it. close it."),
    "letters that grow": ("BİR GÜN", "Bİr gün"),
    "Russian": ("ДОСТУП ЗАПРЕЩЁН", "Доступ запрещён"),
}
KEPT = {
    "usual": "Please save.",
    "one word": "README",
    "acronyms only": "HTTP API",
    "camel": "Use JavaScript NOW",
    "no letters": "1 + 2",
    "a time stamp": "ISO 8601: 2021-03-05T10:00:00Z",
    "units": "RAW 5GB, 10MB",
    "names with digits": "ZX81 B52 QX",
    "no case": "你好 世界",
    "letters": "X Y Z",
    "empty": "",
}


@pytest.mark.parametrize(("text", "expected"), LOWERED.values(), ids=LOWERED)
def test_lowered(text: str, expected: str) -> None:
    assert without_capitals(text, protected_spans(text)) == expected


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_kept(text: str) -> None:
    assert without_capitals(text, protected_spans(text)) is None


def test_scripts_with_case() -> None:
    assert [code for code in ("zh", "de", "ru", "ja", "el", "ar") if has_case(code)] == [
        "de",
        "ru",
        "el",
    ]
