from __future__ import annotations

import pytest

from seqserve.encodings import other_encoding

TEXT = "Zoë met Ann in Oslo.\nNothing else.\n"
TEXTS = {
    "English": "Ann met Bob.\n",
    "Latin": TEXT,
    "Russian": "Привет, как дела?\nХорошо.\n",
    "Greek": "Καλημέρα κόσμε\nναι\n",
    "Hebrew": "שלום עולם\nכן\n",
    "Chinese": "你好，世界。 a b\n再见。 c\n",
    "one line": "Ann",
    "blank first": "\r\n\r\nAnn met Bob.\r\n",
}
ENCODINGS = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16-LE",
    "utf-16-be": "UTF-16-BE",
    "utf-32": "UTF-32",
    "utf-32-le": "UTF-32-LE",
    "utf-32-be": "UTF-32-BE",
    "utf-8": None,
    "utf-8-sig": None,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_encodings(text: str, encoding: str) -> None:
    assert other_encoding(text.encode(encoding)) == ENCODINGS[encoding]


OTHERS: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "one NUL": (b"Lon\0don\n", None),
    "NUL alone": (b"\0", None),
    "some NULs": (b"Ann met B\0b in \0slo.\n" * 9, None),
    "NUL in Chinese": ("你好\0世界\n".encode(), None),
    "other bytes without NUL": (b"caf\xe9\n", None),
    "ZIP": (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\xdf\xa4\xd2l", "binary"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0", "binary"),
    "ELF": (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", "binary"),
    "SQLite": (b"SQLite format 3\0\x10\0\x01\x01\0@  \0\0\0\x1b\0\0", "binary"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xcc+(-\xe1", "binary"),
}


@pytest.mark.parametrize(("block", "name"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_encoding(block: bytes, name: str | None) -> None:
    assert other_encoding(block) == name
