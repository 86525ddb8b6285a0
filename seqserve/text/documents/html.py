"""HTML as a document: tags and what is not prose is copied, the text of each block is a passage.

The tokenizer is that of the standard library, which takes any markup. It reports where a token starts; a
token ends where the next one starts, so every character of the document is in exactly one token.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from seqserve.text.documents.building import Escape, Token, add_copied, add_passage, simplified
from seqserve.text.documents.passages import Document, Markup, Passage
from seqserve.text.elements import BLOCKS, COPIED, VOID

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NEVER_TRANSLATED = "notranslate"  # a class that web pages use


@dataclass(frozen=True)
class _Event:
    """What the tokenizer found at a place.

    Args:
        start: Offset in the document.
        kind: start, end, text, reference or other.
        name: Of the element.
        is_copied: Whether the element and its content are copied.
    """

    start: int
    kind: str
    name: str = ""
    is_copied: bool = False


class _Tokenizer(HTMLParser):
    """Notes where tokens start."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._last_end = text.rfind(">")
        self._last_comment_end = text.rfind("-->")
        self.events: list[_Event] = []
        self.feed(text)
        self.close()

    def _note(self, kind: str, name: str = "", *, is_copied: bool = False) -> None:
        line, column = self.getpos()
        self.events.append(_Event(self._line_starts[line - 1] + column, kind, name, is_copied))

    # What cannot be complete is not searched for its end, again and again.

    def parse_starttag(self, i: int) -> int:
        return super().parse_starttag(i) if i < self._last_end else -1

    def parse_endtag(self, i: int) -> int:
        return super().parse_endtag(i) if i < self._last_end else -1

    def parse_comment(self, i: int, report: bool = True) -> int:
        return super().parse_comment(i, report) if i < self._last_comment_end else -1

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Take `<![…>` for a comment, as a browser does; the base class refuses unknown sections."""
        end = self.rawdata.find(">", i)
        if end >= 0:
            self._note("other")
        return end + 1 if end >= 0 else -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note("start", tag, is_copied=tag in COPIED or _is_marked(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # `<br/>`; of other elements, a browser takes it for a start tag.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._note("end", tag)

    def handle_data(self, data: str) -> None:
        self._note("text")

    def handle_charref(self, name: str) -> None:
        self._note("reference")

    def handle_entityref(self, name: str) -> None:
        self._note("reference")

    def handle_comment(self, data: str) -> None:
        self._note("other")

    def handle_decl(self, decl: str) -> None:
        self._note("other")

    def handle_pi(self, data: str) -> None:
        self._note("other")

    def unknown_decl(self, data: str) -> None:
        self._note("other")


def _is_marked(attributes: Sequence[tuple[str, str | None]]) -> bool:
    """Return whether attributes say that an element must not be translated."""
    return any(
        (name == "translate" and (value or "").strip().lower() == "no")
        or (name == "class" and _NEVER_TRANSLATED in (value or "").split())
        for name, value in attributes
    )


def read_html(text: str) -> Document:
    """Cut an HTML document, or a part of one, into copied parts and passages.

    Args:
        text: Any text; markup that is not valid is read as a browser would.

    Returns:
        Copied are tags, attributes, comments, scripts, `<code>`, `<pre>` and other code, and elements with
        `translate="no"` or the class `notranslate`.
    """
    return simplified(_Reader(text).read())


@dataclass
class _Reader:
    """Reads one document: the tokens of the passage that is open, and the document before it."""

    text: str
    document: list[str | Passage] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)

    def read(self) -> Document:
        events = self._spans()
        index = 0
        while index < len(events):
            event, source = events[index]
            if event.kind == "start" and event.is_copied and event.name not in VOID:
                end = _end_of(event.name, events, index)
                self._copy(event.name, "".join(source for _, source in events[index:end]))
                index = end
                continue
            self._take(event, source)
            index += 1
        self._finish_passage()
        return self.document

    def _spans(self) -> list[tuple[_Event, str]]:
        """Return events with their sources; joined, these are the document."""
        found = _Tokenizer(self.text).events
        if not found or found[0].start > 0:
            found.insert(0, _Event(0, "other"))
        ends = [*(event.start for event in found[1:]), len(self.text)]
        return [
            (event, self.text[event.start : end]) for event, end in zip(found, ends, strict=True)
        ]

    def _take(self, event: _Event, source: str) -> None:
        if event.name in BLOCKS:
            self._finish_passage()
            add_copied(self.document, source)
        elif event.kind == "text":
            self.tokens.append(Token(source, source))
        elif event.kind == "reference":
            self.tokens += _reference(source)
        elif event.kind == "start" and event.name not in VOID:
            self.tokens.append(Token(source, Markup(source, "open"), event.name))
        elif event.kind == "end":
            self.tokens.append(Token(source, Markup(source, "close"), event.name))
        else:
            self.tokens.append(Token(source, Markup(source)))

    def _copy(self, name: str, source: str) -> None:
        if name in BLOCKS:
            self._finish_passage()
            add_copied(self.document, source)
        else:
            self.tokens.append(Token(source, Markup(source)))

    def _finish_passage(self) -> None:
        if self.tokens:
            escape = Escape(self.tokens, _ESCAPES)
            add_passage(self.document, self.tokens, escape)
            self.tokens = []


def _end_of(name: str, events: Sequence[tuple[_Event, str]], index: int) -> int:
    """Return the index behind an element that is copied; without an end tag, it ends with its block."""
    depth = 0
    for i in range(index, len(events)):
        event = events[i][0]
        if event.name == name and event.kind in ("start", "end"):
            depth += 1 if event.kind == "start" else -1
            if depth == 0:
                return i + 1
        elif event.name in BLOCKS and name not in BLOCKS:
            return i
    return len(events)


def _reference(source: str) -> Iterator[Token]:
    """Return the tokens of a character reference; one that is unknown is copied."""
    decoded = html.unescape(source)
    if decoded != source:
        yield Token(source, decoded)
    elif source.endswith(";"):
        yield Token(source, Markup(source))
    else:  # the ampersand of AT&T
        yield Token(source, source)
