"""Inline Markdown as tokens: text, and the markup of emphasis, links, code and images.

markdown-it-py does not report where inline markup is. Its tokens come in the order of the text, and all of
them but links show their source, so each is found where the one before it ended. If one is not there, the
whole block is a single text: its markup is then what the translator protects in any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from markdown_it.token import Token as ParserToken

from seqserve.text.documents.building import Token
from seqserve.text.documents.passages import Markup, Part, Role

Source = Callable[[int, int], str]
"""The part of the document from one offset in the block's content to before another."""

_BREAK = re.compile(r" *\\?\n[ \t]*")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.S)
_AUTOLINK = re.compile(r"<[^<>\s]*>")
_TITLE = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"
_PLAIN = r"[^\s()\\]|\\."
_DESTINATION = rf"(?:<(?:[^<>\n\\]|\\.)*>|(?!<)(?:{_PLAIN}|\((?:{_PLAIN})*\))+)"
_INLINE_LINK = re.compile(rf"\]\(\s*+(?:{_DESTINATION}(?:\s++{_TITLE})?)?\s*+\)", re.S)
_REFERENCE_LINK = re.compile(r"\](?:\[(?:[^\[\]\\]|\\.)*\])?", re.S)


class _NotFound(Exception):
    """The source of a token is not where it should be."""


def read_spans(content: str, source: Source, children: Sequence[ParserToken]) -> list[Token]:
    """Return the tokens of a block's content; joined, their sources are the source of the content.

    Args:
        content: Lines without marks and indentation.
        source: Returns a part of the document.
        children: What the parser found in the content.
    """
    try:
        return list(_Walk(content, source).tokens(children))
    except _NotFound:
        return [Token(source(0, len(content)), content)]


class _Walk:
    """Finds tokens one after the other."""

    def __init__(self, content: str, source: Source) -> None:
        self._content = content
        self._source = source
        self._at = 0

    def tokens(self, children: Sequence[ParserToken]) -> Iterator[Token]:
        """Yield the tokens.

        Raises:
            _NotFound: The source of a token is not where it should be, or the content goes on.
        """
        index = 0
        while index < len(children):
            child = children[index]
            if child.type == "link_open" and child.markup == "autolink":
                yield self._markup(self._match(_AUTOLINK), "alone")
                index += 3  # with its text and its end
                continue
            yield from self._token(child)
            index += 1
        if self._at < len(self._content):
            raise _NotFound

    def _token(self, child: ParserToken) -> Iterator[Token]:
        if child.type in _TEXTS:
            raw = child.content if child.type == "text" else child.markup
            if raw:
                yield self._taken(self._literal(raw), child.content)
        elif child.type == "softbreak":
            yield self._taken(self._match(_BREAK), " ")
        elif child.type == "link_close":
            yield self._markup(self._link_end(), "close", "link")
        elif child.type == "link_open":
            yield self._markup(self._literal("["), "open", "link")
        elif child.type == "image":
            end = self._literal(f"![{child.content}")
            yield self._markup(self._link_end(end), "alone")
        elif child.type in _ALONE:
            pattern = _ALONE[child.type]
            end = self._match(pattern) if pattern else self._literal(child.content)
            yield self._markup(end, "alone")
        elif child.nesting:
            role: Role = "open" if child.nesting > 0 else "close"
            yield self._markup(self._literal(child.markup), role, child.tag)
        else:
            raise _NotFound

    def _literal(self, raw: str) -> int:
        if not raw or not self._content.startswith(raw, self._at):
            raise _NotFound
        return self._at + len(raw)

    def _match(self, pattern: re.Pattern[str], at: int | None = None) -> int:
        match = pattern.match(self._content, self._at if at is None else at)
        if match is None:
            raise _NotFound
        return match.end()

    def _link_end(self, at: int | None = None) -> int:
        at = self._at if at is None else at
        match = _INLINE_LINK.match(self._content, at)
        return match.end() if match else self._match(_REFERENCE_LINK, at)

    def _taken(self, end: int, part: Part, name: str = "") -> Token:
        token = Token(self._source(self._at, end), part, name)
        self._at = end
        return token

    def _markup(self, end: int, role: Role, name: str = "") -> Token:
        source = self._source(self._at, end)
        return self._taken(end, Markup(source, role), name)


_TEXTS = ("text", "text_special")
_ALONE: Mapping[str, re.Pattern[str] | None] = {
    "hardbreak": _BREAK,
    "code_inline": _CODE,
    "html_inline": None,
}
"""Token types that stand alone -> pattern of their source; None: it is their content."""
