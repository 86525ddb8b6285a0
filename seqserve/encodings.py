"""Encodings of text: UTF-8, and what is not, recognized by its first bytes: UTF-16, UTF-32, or no text."""

from __future__ import annotations

import codecs
import re
from unicodedata import category

from seqserve.errors import ConfigError
from seqserve.quoting import cut

MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte order marks of other encodings than UTF-8; those of UTF-32 first, which begin like those of UTF-16."""

BINARY = "binary"
_NUL = b"\0"
_MIN_NULS, _MIN_SHARE = 2, 0.25
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]")  # which UTF-8 text does not have
_LINE_ENDS = "\t\n\r\f"
_NO_TEXT = {"Cc", "Cn", "Co"}  # categories of Unicode: control, not assigned, private use
_LAST_PLANE = 0x10  # of Unicode: the second byte of a unit of UTF-32, from the high end
_CANDIDATES = {
    "UTF-32-LE": (4, 3, 2),
    "UTF-32-BE": (4, 0, 1),
    "UTF-16-LE": (2, 1, 0),
    "UTF-16-BE": (2, 0, 1),
}
"""Encodings without a mark: the size of a unit, and the places of its highest and its second byte."""


def is_utf8(encoding: str) -> bool:
    """Return whether an encoding is UTF-8.

    Raises:
        ConfigError: There is no such text encoding.
    """
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs that do not encode text, such as base64
    except LookupError:
        raise ConfigError(
            f"there is no encoding {cut(encoding)!r}; examples are UTF-16, latin-1, cp1252, gb18030"
        ) from None
    return found.name in {"utf-8", "utf-8-sig"}


def other_encoding(block: bytes | bytearray) -> str | None:
    """Return what the first bytes of a text are instead of UTF-8: an encoding or `BINARY`; else None."""
    return marked_encoding(block) or unmarked_encoding(block)


def marked_encoding(first: bytes | bytearray) -> str | None:
    """Return the encoding whose byte order mark a text begins with; None if it is UTF-8 or has no mark."""
    return next((name for mark, name in MARKS.items() if first.startswith(mark)), None)


def unmarked_encoding(block: bytes | bytearray) -> str | None:
    """Return what a block with NUL bytes is, if it is no UTF-8 text.

    A few NUL bytes in a block that otherwise is UTF-8 text are damage in some records.

    Args:
        block: The first bytes of a file.

    Returns:
        `UTF-16-LE` and so on, `BINARY`, or None if it is UTF-8 text.
    """
    n_nuls = block.count(_NUL)
    if not n_nuls:
        return None
    is_text = _is_utf8_text(block)
    if n_nuls < _MIN_NULS or (is_text and n_nuls < _MIN_SHARE * len(block)):
        return None if is_text else BINARY
    return next((name for name in _CANDIDATES if _fits(block, name, n_nuls)), BINARY)


def _is_utf8_text(block: bytes | bytearray) -> bool:
    if _CONTROLS.search(block):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bytes(block))  # its end may be cut
    except UnicodeDecodeError:
        return False
    return True


def _fits(block: bytes | bytearray, name: str, n_nuls: int) -> bool:
    """Return whether the NUL bytes are where this encoding has them, and the rest is text."""
    size, high, second = _CANDIDATES[name]
    n_high = block[high::size].count(_NUL)
    if size == 2 and n_high != n_nuls:
        return False
    if size == 4 and not (
        n_high == len(block[high::size]) and max(block[second::size]) <= _LAST_PLANE
    ):
        return False
    text = bytes(block[: len(block) // size * size]).decode(name, "replace")
    return all(one in _LINE_ENDS or category(one) not in _NO_TEXT for one in text)
