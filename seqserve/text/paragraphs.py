"""Paragraphs of a text: the words of soft-wrapped lines in one string, the furniture between them copied."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from seqserve.choices import LineBreaks
from seqserve.text.furniture import prefix_length
from seqserve.text.lines import Line, cells_of, lines_of
from seqserve.text.scripts import CJK

_FENCE = regex.compile(r"\s*(?:>[ ]?)*(`{3,}|~{3,})")
_FRONT_MATTER = regex.compile(
    r"---[ \t]*\r?\n(?:[^\r\n]*\r?\n){0,200}?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)"
)
_KEY = regex.compile(r"^[\w-]+:(?:\s|$)", regex.MULTILINE)
_CJK_BREAK = regex.compile(rf"[{CJK}，。、；：！？」』）》]$")
_CJK_START = regex.compile(rf"[{CJK}「『（《]")
_HYPHEN = regex.compile(r"\p{L}-$")


@dataclass(frozen=True)
class Paragraph:
    """What a text says between two hard breaks.

    Args:
        text: The words of its lines, soft breaks replaced by a space; empty: nothing but furniture.
        start: Where it begins in the whole text.
        end: One past its end.
        joints: Of every soft break: where it stands in `text`, and where the words go on in the whole text.
    """

    text: str
    start: int
    end: int
    joints: tuple[tuple[int, int], ...] = ()

    def place(self, position: int, is_end: bool = False) -> int:
        """Return where a position of `text` is in the whole text.

        Args:
            position: Code points from the start of `text`.
            is_end: Whether it is the end of a span, which does not reach over a break that follows it.
        """
        i = bisect_right(self.joints, (position - is_end, self.end))
        if not i:
            return self.start + position
        joint, place = self.joints[i - 1]
        return place + position - joint


def paragraphs_of(text: str, line_breaks: LineBreaks) -> Iterator[Paragraph]:
    """Cut a text into what is to be read; what stands between two paragraphs is to be copied.

    Furniture (list marks, numbering, headings, quote marks, table bars, tabs between cells, white space),
    fenced code and front matter are in no paragraph.

    Args:
        text: Any text.
        line_breaks: How line breaks are read.
    """
    front = _FRONT_MATTER.match(text) if text.startswith("---") else None
    begin = front.end() if front and _KEY.search(front.group()) else 0
    fence = ""
    rows: list[Line] = []
    for line in lines_of(text, line_breaks, begin):
        said = text[line.start : line.end]
        mark = _FENCE.match(said) if "`" in said or "~" in said else None
        is_code = fence != ""
        fence = _fence_behind(fence, mark.group(1) if mark else "", said)
        if is_code or fence:
            continue
        rows.append(line)
        if not line.is_soft:
            yield from _of_lines(text, rows)
            rows = []
    if rows:
        yield from _of_lines(text, rows)


def _fence_behind(fence: str, mark: str, line: str) -> str:
    """Return the fence that is open behind a line: empty, if none is."""
    if not fence:
        is_inline = mark.startswith("`") and "`" in line.replace(mark, "", 1)
        return "" if is_inline else mark
    is_closed = mark.startswith(fence) and not line.strip(" \t\r>`~")
    return "" if is_closed else fence


def _of_lines(text: str, lines: list[Line]) -> Iterator[Paragraph]:
    """Yield the paragraphs of lines that soft breaks join; a single line has one per cell."""
    if len(lines) > 1:
        yield _joined(text, lines)
        return
    line = lines[0]
    said = text[line.start : line.end]
    for start, end in _cells(said):
        prefix = prefix_length(said[start:end])
        words = said[start + prefix : end].rstrip()
        if said.lstrip().startswith("#") and words.endswith("#"):
            words = words.rstrip("#").rstrip()
        if words:
            first = line.start + start + prefix
            yield Paragraph(words, first, first + len(words))


def _cells(line: str) -> Iterator[tuple[int, int]]:
    is_row = line.lstrip().startswith("|")
    for start, end in cells_of(line):
        if not is_row:
            yield start, end
            continue
        for bar in regex.finditer(r"(?:\\.|[^|\\]|\\$)+", line[start:end]):
            yield start + bar.start(), start + bar.end()


def _joined(text: str, lines: list[Line]) -> Paragraph:
    """Join soft-wrapped lines; the indents and quote marks of all but the first are left out."""
    parts: list[str] = []
    joints: list[tuple[int, int]] = []
    length = start = 0
    for line in lines:
        said = text[line.start : line.end]
        prefix = prefix_length(said)
        words = said[prefix:].rstrip()
        if not parts:
            start = line.start + prefix
        else:
            glue = _glue(parts[-1], words)
            if parts[-1].endswith("\u00ad"):
                parts[-1], length = parts[-1][:-1], length - 1
            parts.append(glue)
            length += len(glue)
            joints.append((length, line.start + prefix))
        parts.append(words)
        length += len(words)
        end = line.start + prefix + len(words)
    return Paragraph("".join(parts), start, end, tuple(joints))


def _glue(before: str, behind: str) -> str:
    """Return what stands between the words of two lines."""
    is_unspaced = _CJK_BREAK.search(before) and _CJK_START.match(behind)
    is_hyphenated = _HYPHEN.search(before) and behind[:1].islower()
    return "" if is_unspaced or is_hyphenated or before.endswith("\u00ad") else " "
