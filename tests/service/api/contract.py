"""The errors that docs/api.md lists."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def documented_errors() -> set[tuple[int, str]]:
    """Status and code of every error in the table."""
    page = PAGE.read_text(encoding="utf-8")
    section = page[page.index("## Errors") : page.index("## Python client")]
    documented: set[tuple[int, str]] = set()
    for line in re.findall(r"^\| [0-9].*", section, re.MULTILINE):
        statuses, codes = line.split("|")[1:3]
        numbers = [int(number) for number in re.findall(r"\d+", statuses)]
        names = re.findall(r"`(\w+)`", codes)
        numbers = numbers if len(numbers) == len(names) else numbers * len(names)
        documented |= set(zip(numbers, names, strict=True))
    return documented
