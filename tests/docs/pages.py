"""The project's Markdown pages: what they link to, their headings, and their blocks of code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_OURS = {"runs", "reports", "build", "tmp", "node_modules"}
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(
        part.startswith(".") or part in _NOT_OURS for part in path.relative_to(ROOT).parts[:-1]
    )
)


def name_of(path: Path) -> str:
    """The path as the project's root sees it."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Args:
        page: The file.
        line: Number of its first line.
        language: What stands behind the fence.
        code: What stands in it.
    """

    page: Path
    line: int
    language: str
    code: str

    @property
    def name(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path, text.count("\n", 0, match.start()) + 2, match[1], match[2])
        for match in _FENCE.finditer(text)
    ]


def prose_of(path: Path) -> str:
    """A page without its blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings of a page, as `prose_of` gives it."""
    seen: Counter[str] = Counter()
    anchors = set()
    for match in re.finditer(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def links_of(text: str) -> list[str]:
    """The targets of the links and pictures of a page, as `prose_of` gives it."""
    return re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", text)


def code_of(path: Path) -> Iterator[str]:
    """All that is set as code: blocks, line by line, and spans in the text."""
    for block in blocks_of(path):
        yield from block.code.replace("\\\n", " ").splitlines()
    for match in re.finditer(r"`([^`\n]+)`", prose_of(path)):
        yield match[1]
