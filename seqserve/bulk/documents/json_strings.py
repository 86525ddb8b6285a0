"""JSON files of strings, as programs keep them for translators: every string value is a unit, no key is.

Values whose key begins with `@` are notes for translators (ARB), and copied with all that is in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import regex

from seqserve.bulk.documents.unit import Parts, Unit, single
from seqserve.errors import DataError
from seqserve.text.documents.passages import has_letters

_TOKEN = regex.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]', regex.DOTALL)
_NOTE = "@"


@dataclass
class _Place:
    """An open object or list, and whether it is copied."""

    is_copied: bool
    key: str = ""
    is_value: bool = field(default=True)


def read_json(text: str) -> Parts:
    """Cut a JSON file into copied text and units.

    Raises:
        DataError: It is no JSON.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the file is no JSON: {error}") from None
    escapes_all = text.isascii() and "\\u" in text
    parts: list[str | Unit] = []
    places = [_Place(is_copied=False)]
    at = line = 0
    for token in _TOKEN.finditer(text):
        place = places[-1]
        match token.group():
            case "{" | "[" as start:
                is_copied = place.is_copied or place.key.startswith(_NOTE)
                places.append(_Place(is_copied, is_value=start == "["))
            case "}" | "]":
                places.pop()
            case ":":
                place.is_value = True
            case ",":
                place.is_value = place.key == ""
            case literal if not place.is_value:
                place.key = json.loads(literal) or " "
            case literal:
                value = json.loads(literal)
                if place.is_copied or place.key.startswith(_NOTE) or not has_letters(value):
                    continue
                parts.append(text[at : token.start()])
                line += text.count("\n", at, token.start())
                parts.append(_unit(value, line + 1, literal, escapes_all))
                at = token.end()
    parts.append(text[at:])
    return parts


def _unit(value: str, line: int, literal: str, escapes_all: bool) -> Unit:
    return single(value, line, literal, lambda said: json.dumps(said, ensure_ascii=escapes_all))
