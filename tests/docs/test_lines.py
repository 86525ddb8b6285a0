"""Lines of the pages in docs/ are short enough to read beside code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

MAX_COLUMNS = 110
_MARKER = re.compile(r"<!-- (?P<end>/?)[\w:-]+ -->")
PAGES = sorted((ROOT / "docs").glob("*.md"))


def long_lines(text: str) -> Iterator[int]:
    """Yield the numbers of lines of prose that are too long; no code, table, heading or generated part is one.

    A line that one link, address or piece of code makes longer cannot be wrapped.
    """
    is_code = is_generated = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            is_code = not is_code
        elif marker := _MARKER.fullmatch(line):
            is_generated = not marker["end"]
        is_prose = not (is_code or is_generated or line.startswith(("|", "#", "<")))
        if is_prose and len(line) > MAX_COLUMNS and " " in line[:MAX_COLUMNS].strip():
            yield number


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_of_prose(page: Path) -> None:
    assert list(long_lines(page.read_text(encoding="utf-8"))) == []


LONG = "word " * 30


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LONG, [1]),
        (f"short\n- {LONG}", [2]),
        (f"| {LONG} |", []),
        (f"```sh\n{LONG}\n```\n{LONG}", [4]),
        (f"<!-- a:b-c -->\n{LONG}\n<!-- /a:b-c -->\n{LONG}", [4]),
        ("https://example.org/" + "a" * 100, []),
        ("a" * 110, []),
    ],
)
def test_which_lines_are_too_long(text: str, found: list[int]) -> None:
    assert list(long_lines(text)) == found
