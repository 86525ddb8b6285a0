"""Build a document from the tokens of a parser: copied text, text to translate, and markup in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import regex

from seqserve.text.documents.passages import Document, Markup, Part, Passage, merge

_BREAK = regex.compile(r"[ \t\f]*[\r\n][ \t\f\r\n]*")


@dataclass(frozen=True)
class Token:
    """A part of a passage as a parser finds it.

    Args:
        source: What it is in the document.
        part: Its text without escapes, or its markup.
        name: Of the element, for markup that opens or closes one.
    """

    source: str
    part: Part
    name: str = ""


class Escape:
    """Escape text as its passage does: a character that was escaped is escaped in the same way.

    Args:
        tokens: Those of the passage.
        always: Character -> escape, where it needs one anywhere.
    """

    def __init__(self, tokens: Sequence[Token], always: Mapping[str, str]) -> None:
        spelled = {
            token.part: token.source
            for token in reversed(tokens)
            if isinstance(token.part, str) and token.part != token.source and len(token.part) == 1
        }
        spelled.pop(" ", None)  # the breaks between lines
        self._table = str.maketrans({**always, **spelled})

    def __call__(self, text: str) -> str:
        """Return text as a part of the document."""
        return text.translate(self._table)


def add_passage(
    document: list[str | Passage], tokens: Sequence[Token], escape: Callable[[str], str]
) -> None:
    """Add a passage to a document: the markup and white space at its edges is copied.

    Args:
        document: Gets the parts; joined, they are the sources of the tokens.
        tokens: In order.
        escape: Makes text a part of the document.
    """
    paired, ends = _paired(tokens)
    start, end = _core(paired, ends)
    inner = paired[start:end]
    if not any(isinstance(token.part, str) and token.part.strip() for token in inner):
        add_copied(document, "".join(token.source for token in tokens))
        return
    before, inner_first = _split_left(inner[0])
    inner_last, after = _split_right(inner_first if len(inner) == 1 else inner[-1])
    inner = [inner_last] if len(inner) == 1 else [inner_first, *inner[1:-1], inner_last]
    add_copied(document, "".join(token.source for token in paired[:start]) + before)
    source = "".join(token.source for token in inner)
    parts = merge([_unwrapped(token.part) for token in inner])
    document.append(Passage(source, tuple(parts), escape))
    add_copied(document, after + "".join(token.source for token in paired[end:]))


def add_copied(document: list[str | Passage], text: str) -> None:
    """Add text that is copied."""
    if not text:
        return
    if document and isinstance(document[-1], str):
        document[-1] += text
    else:
        document.append(text)


def simplified(document: Document) -> Document:
    """Return a document in which passages without a letter are copied."""
    parts: list[str | Passage] = []
    for part in document:
        if isinstance(part, Passage) and part.has_letters:
            parts.append(part)
        else:
            add_copied(parts, part if isinstance(part, str) else part.source)
    return parts


def _paired(tokens: Sequence[Token]) -> tuple[list[Token], dict[int, int]]:
    """Find the pairs of markup.

    Returns:
        The tokens, of which those without a partner stand alone, and by the index of the start of a pair that
        of its end.
    """
    paired = list(tokens)
    ends: dict[int, int] = {}
    stack: list[int] = []
    n_open: Counter[str] = Counter()
    for index, token in enumerate(tokens):
        role = token.part.role if isinstance(token.part, Markup) else "alone"
        if role == "open":
            stack.append(index)
            n_open[token.name] += 1
        elif role == "close" and not n_open[token.name]:
            paired[index] = _alone(token)
        elif role == "close":
            top = stack.pop()
            while tokens[top].name != token.name:
                n_open[tokens[top].name] -= 1
                paired[top] = _alone(paired[top])
                top = stack.pop()
            n_open[token.name] -= 1
            ends[top] = index
    for index in stack:
        paired[index] = _alone(paired[index])
    return paired, ends


def _alone(token: Token) -> Token:
    assert isinstance(token.part, Markup)
    return replace(token, part=replace(token.part, role="alone"))


def _core(tokens: Sequence[Token], ends: Mapping[int, int]) -> tuple[int, int]:
    """Return the range of tokens without the markup and the blanks at the edges; pairs are not divided."""
    start, end = _without_single(tokens, 0, len(tokens))
    while end - start >= 2 and ends.get(start) == end - 1:
        start, end = _without_single(tokens, start + 1, end - 1)
    return start, end


def _without_single(tokens: Sequence[Token], start: int, end: int) -> tuple[int, int]:
    """Return a range without the blanks, the markup and the empty pairs at its edges."""
    is_shorter = True
    while is_shorter and start < end:
        size = end - start
        if _is_removable(tokens[start]):
            start += 1
        elif _is_empty_pair(tokens[start : min(start + 2, end)]):
            start += 2
        elif _is_removable(tokens[end - 1]):
            end -= 1
        elif _is_empty_pair(tokens[max(start, end - 2) : end]):
            end -= 2
        is_shorter = end - start < size
    return start, end


def _is_empty_pair(tokens: Sequence[Token]) -> bool:
    roles = [token.part.role for token in tokens if isinstance(token.part, Markup)]
    return roles == ["open", "close"]


def _is_removable(token: Token) -> bool:
    if isinstance(token.part, str):
        return not token.part.strip()
    return token.part.role == "alone"


def _split_left(token: Token) -> tuple[str, Token]:
    """Return the white space at the start of a text token, and the token without it."""
    if token.part != token.source:  # markup, or an escaped character
        return "", token
    text = token.source.lstrip()
    return token.source[: len(token.source) - len(text)], Token(text, text)


def _split_right(token: Token) -> tuple[Token, str]:
    """Return a text token without the white space at its end, and the white space."""
    if token.part != token.source:
        return token, ""
    text = token.source.rstrip()
    return Token(text, text), token.source[len(text) :]


def _unwrapped(part: Part) -> Part:
    """Return a text with its line breaks as spaces: within a paragraph they are that."""
    return _BREAK.sub(" ", part) if isinstance(part, str) else part
