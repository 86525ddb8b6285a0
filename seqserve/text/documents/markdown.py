"""Markdown as a document: CommonMark with tables and strikethrough, by markdown-it-py.

The parser reports the lines of every paragraph, heading and table row. Only their text is a passage; list
marks, quote marks, heading marks, table bars, fences, code, HTML, front matter and link definitions lie
between the passages, and are copied.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token as ParserToken

from seqserve.text.documents.building import Escape, Token, add_copied, add_passage, simplified
from seqserve.text.documents.passages import Document, Markup, Passage
from seqserve.text.documents.spans import read_spans

_FRONT_MATTER = re.compile(
    r"(?:---|\+\+\+)[ \t]*\r?\n.*?^(?:---|\.\.\.|\+\+\+)[ \t]*(?:\r?\n|\Z)", re.S | re.M
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")  # what markdown-it takes for a line
_HEADING_MARK = re.compile(r"#{1,6}[ \t]*")
_LEAD = re.compile(r"(?:\[[ xX]\]|\[\^[^\]\s]+\]:|\[![A-Z]+\])(?=\s|\Z)")  # task, footnote, alert
_CELL_ESCAPES = {"|": "\\|"}
_BLANKS = " \t\r\n"


def read_markdown(text: str) -> Document:
    """Cut a Markdown document, or a part of one, into copied parts and passages.

    Args:
        text: Any text.

    Returns:
        A block whose text is not found in its lines is copied.
    """
    mark = len(text) - len(text.removeprefix("\ufeff"))
    front = _FRONT_MATTER.match(text, mark)
    at = front.end() if front else mark
    document: list[str | Passage] = []
    add_copied(document, text[:at])
    for block in _blocks(text, at):
        add_copied(document, text[at : block.start])
        tokens = _with_lead(read_spans(block.content, block.source, block.children))
        add_passage(document, tokens, Escape(tokens, _CELL_ESCAPES if block.is_cell else {}))
        at = block.end
    add_copied(document, text[at:])
    return simplified(document)


def _with_lead(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return tokens in which the mark of a task, a footnote or an alert is markup of its own."""
    first = tokens[0]
    lead = _LEAD.match(first.source) if first.part == first.source else None
    if lead is None:
        return tokens
    mark, rest = lead.group(), first.source[lead.end() :]
    return [Token(mark, Markup(mark)), *([Token(rest, rest)] if rest else []), *tokens[1:]]


@dataclass(frozen=True)
class _Block:
    """The text of a paragraph, a heading or a cell, and where it is.

    Args:
        document: The text of the document.
        content: Lines of the block without marks and indentation.
        starts: Per line, its offset in the content, and that in the document.
        children: The inline tokens of the parser.
        is_cell: Whether it is a cell of a table.
    """

    document: str
    content: str
    starts: Sequence[tuple[int, int]]
    children: Sequence[ParserToken]
    is_cell: bool

    def source(self, start: int, end: int) -> str:
        """Return the part of the document from one offset in the content to before another.

        What stands before the text of a line belongs to the break before it.
        """
        return self.document[self._offset(start) : self._offset(end)]

    def _offset(self, at: int) -> int:
        in_content, in_document = self.starts[
            bisect_right(self.starts, (at, len(self.document))) - 1
        ]
        return in_document + at - in_content

    @property
    def start(self) -> int:
        """Offset of the first character in the document."""
        return self._offset(0)

    @property
    def end(self) -> int:
        """Offset behind the last character in the document."""
        return self._offset(len(self.content))


@cache
def _parser() -> MarkdownIt:
    # Without the rule text_join, escapes and references are tokens that show their source.
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")


def _blocks(text: str, start: int) -> Iterator[_Block]:
    """Find the texts of a document from an offset on."""
    lines = [match.span() for match in _LINE.finditer(text, start)]
    readable = text.replace("\0", "\ufffd")  # as the parser reads it
    opening, at = None, start
    for token in _parser().parse(text[start:]):
        if token.type != "inline":
            opening = token
            continue
        if token.map is None or not token.content or opening is None:
            continue
        rows = lines[token.map[0] : token.map[1]]
        is_cell = opening.type in ("th_open", "td_open")
        if is_cell:
            starts = _find_cell(readable, token.content, rows[0], at)
        else:
            mark = _HEADING_MARK if opening.type == "heading_open" and len(rows) == 1 else None
            starts = _find_lines(readable, token.content, rows, mark)
        if not starts or starts[0][1] < at:
            continue
        content = token.content
        block = _Block(text, content, starts, token.children or (), is_cell)
        at = block.end
        yield block


def _find_lines(
    text: str, content: str, rows: Sequence[tuple[int, int]], mark: re.Pattern[str] | None
) -> list[tuple[int, int]]:
    """Return where the lines of a block's content start: offsets in the content and in the text.

    Args:
        text: The document.
        content: The lines of the block without marks and indentation.
        rows: The lines of the document that the block has.
        mark: What stands before the content, where more can stand behind it than white space.
    """
    starts = []
    in_content = 0
    for line, (start, end) in zip(content.split("\n"), rows, strict=False):
        bare = line.strip(_BLANKS)
        row = text[start:end]
        found = len(row.rstrip()) - len(bare.rstrip())
        if mark and (marked := mark.search(row)):
            found = row.find(bare, marked.end())
        if found < 0 or not row.startswith(bare.rstrip(), found):
            return []
        n_blank = len(line) - len(line.lstrip(_BLANKS))
        starts.append((in_content + n_blank, start + found))
        in_content += len(line) + 1
    return starts if len(starts) == content.count("\n") + 1 else []


def _find_cell(text: str, content: str, row: tuple[int, int], at: int) -> list[tuple[int, int]]:
    """Return where a cell starts, searched from an offset on; a bar in it is escaped in the document."""
    raw = content.replace("|", "\\|")
    found = text.find(raw, max(at, row[0]), row[1])
    if found < 0:
        return []
    starts = [(0, found)]
    for index, bar in enumerate(match.start() for match in re.finditer(r"\|", content)):
        starts.append((bar, found + bar + index + 1))
    return starts
