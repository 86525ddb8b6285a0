"""Parse the project's Markdown pages: links, headings and code blocks."""

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
    """Return the path relative to the project's root."""
    return path.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """A fenced code block.

    Args:
        page: The file.
        line: Number of its first line.
        language: The info string after the fence.
        code: Its content.
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
    """Return the code blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path, text.count("\n", 0, match.start()) + 2, match[1], match[2])
        for match in _FENCE.finditer(text)
    ]


def prose_of(path: Path) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors_of(text: str) -> set[str]:
    """Return GitHub's anchors for the headings in the output of `prose_of`."""
    seen: Counter[str] = Counter()
    anchors = set()
    for match in re.finditer(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def links_of(text: str) -> list[str]:
    """Return the targets of the links and images in the output of `prose_of`."""
    return re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", text)


def code_of(path: Path) -> Iterator[str]:
    """Yield all code of a page: the lines of its blocks, then its inline code."""
    for block in blocks_of(path):
        yield from block.code.replace("\\\n", " ").splitlines()
    for match in re.finditer(r"`([^`\n]+)`", prose_of(path)):
        yield match[1]
