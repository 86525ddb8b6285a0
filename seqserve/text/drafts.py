"""Drafts: what a model is asked for a sentence with protected spans, and how its answer is verified.

The drafts of a sentence are tried in order until one holds:

1. The sentence itself, with stand-ins for the spans that models lose or cannot read. Everything else is
   copied well by a model that was trained on documentation, and gives better translations unmasked.
2. Stand-ins for all spans: short forms that the model copies, put back afterwards.
3. The pieces between the spans, translated one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import regex

from seqserve.text.protected import FOREIGN, ICU, ProtectedSpan, without_spans
from seqserve.text.reading import Reading

_LETTER = regex.compile(r"\p{L}")
_STAND_IN = regex.compile(r"[$＄]\s?[{｛]\s?(\d{1,4})\s?[}｝]")
_MASKED_AT_ONCE = frozenset({"template", "entity", "emoji", "mark", ICU, FOREIGN})
_PAIRED = frozenset({"tag", "mark"})
_BEFORE = regex.compile(r"[\s\p{P}]*")
_BEHIND = regex.compile(r"(?r)[\s\p{P}]*$")  # searched from the end
_FINAL = ".!?。！？…"  # part of a piece: the translation has its own


class Draft(Protocol):
    """Texts to translate, and the way from their translations to that of the sentence."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What the model is asked."""
        ...

    def finish(self, translations: Sequence[str], is_final: bool = False) -> str | None:
        """Return the translation of the sentence.

        Args:
            translations: One per text.
            is_final: Whether it is to be returned even if a span is missing.

        Returns:
            None: a span is missing, or is there too often.
        """
        ...


@dataclass(frozen=True)
class Masked:
    """A sentence with stand-ins for some of its spans.

    Args:
        text: The sentence with the stand-ins.
        originals: What each stand-in stands for.
        is_kept: Tells of a translation whether it has what is protected and has no stand-in.
    """

    text: str
    originals: tuple[str, ...]
    is_kept: Callable[[str], bool]

    @property
    def texts(self) -> tuple[str, ...]:
        """The sentence."""
        return (self.text,)

    def finish(self, translations: Sequence[str], is_final: bool = False) -> str | None:
        """Put the originals back."""
        (translation,) = translations
        restored, is_exact = translation, True
        if self.originals:
            found = [int(match.group(1)) for match in _STAND_IN.finditer(translation)]
            is_exact = sorted(found) == list(range(1, len(self.originals) + 1))
            restored = _STAND_IN.sub(self._original, translation)
        return restored if is_final or (is_exact and self.is_kept(restored)) else None

    def _original(self, match: regex.Match[str]) -> str:
        number = int(match.group(1))
        return self.originals[number - 1] if 0 < number <= len(self.originals) else match.group()


@dataclass(frozen=True)
class Pieces:
    """The pieces of a sentence between its spans.

    Args:
        parts: Pieces and what is copied, in order; joined, they are the sentence.
        is_piece: Of every part: whether it is to be translated.
    """

    parts: tuple[str, ...]
    is_piece: tuple[bool, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The pieces."""
        return tuple(
            part for part, is_piece in zip(self.parts, self.is_piece, strict=True) if is_piece
        )

    def finish(self, translations: Sequence[str], is_final: bool = False) -> str | None:
        """Join the translations and what is copied."""
        remaining = iter(translations)
        pairs = zip(self.parts, self.is_piece, strict=True)
        return "".join(next(remaining) if is_piece else part for part, is_piece in pairs)


@dataclass(frozen=True)
class Copied:
    """A sentence that is not translated."""

    text: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def finish(self, translations: Sequence[str], is_final: bool = False) -> str | None:
        """Return the sentence."""
        return self.text


def drafts_of(reading: Reading, is_kept: Callable[[str], bool]) -> Iterator[Draft]:
    """Yield the drafts of a sentence; the last one always holds.

    Args:
        reading: The sentence.
        is_kept: Tells of a translation whether it has all protected spans.
    """
    if not reading.spans:
        yield Masked(reading.text, (), lambda translation: True)
        return
    if not _LETTER.search(without_spans(reading.text, reading.spans)):
        yield Copied(reading.text)
        return
    at_once = [
        span for span in reading.spans if span.kind in _MASKED_AT_ONCE or reading.is_capitals
    ]
    yield _masked(reading.text, at_once, is_kept)
    if len(at_once) < len(reading.spans):
        yield _masked(reading.text, reading.spans, is_kept)
    yield _pieces(reading.text, reading.spans)


def has_placeholders(reading: Reading, translation: str) -> bool:
    """Return whether all placeholders are there, none as a part of another: "%d%%s" has no "%s"."""
    wanted = Counter(
        reading.text[span.start : span.end] for span in reading.spans if span.kind == "placeholder"
    )
    if not wanted:
        return True
    longest_first = sorted(wanted, key=len, reverse=True)
    found = regex.findall("|".join(map(regex.escape, longest_first)), translation)
    return wanted <= Counter(found)


def is_emptied(reading: Reading, translation: str) -> bool:
    """Return whether two tags or marks have nothing between them any more."""
    paired = [span for span in reading.spans if span.kind in _PAIRED]
    for first, second in pairwise(paired):
        if not reading.text[first.end : second.start].strip():
            continue
        marks = (reading.text[span.start : span.end] for span in (first, second))
        empty = r"\s*".join(map(regex.escape, marks))
        if regex.search(empty, translation) and not regex.search(empty, reading.text):
            return True
    return False


def _masked(text: str, spans: Sequence[ProtectedSpan], is_kept: Callable[[str], bool]) -> Masked:
    parts = []
    end = 0
    for number, span in enumerate(spans, 1):
        parts += [text[end : span.start], f"${{{number}}}"]
        end = span.end
    originals = tuple(text[span.start : span.end] for span in spans)
    return Masked("".join([*parts, text[end:]]), originals, is_kept)


def _pieces(text: str, spans: Sequence[ProtectedSpan]) -> Pieces:
    parts: list[tuple[str, bool]] = []
    end = 0
    for span in [*spans, ProtectedSpan(len(text), len(text), "")]:
        parts += [*_between_spans(text[end : span.start]), (text[span.start : span.end], False)]
        end = span.end
    kept = [(part, is_piece) for part, is_piece in parts if part]
    return Pieces(tuple(part for part, _ in kept), tuple(is_piece for _, is_piece in kept))


def _between_spans(text: str) -> list[tuple[str, bool]]:
    """Cut white space and punctuation from a piece; its full stop belongs to it."""
    if not _LETTER.search(text):
        return [(text, False)]
    before, behind = _BEFORE.match(text), _BEHIND.search(text)
    first = before.end() if before else 0
    last = behind.start() if behind else len(text)
    while last < len(text) and text[last] in _FINAL:
        last += 1
    return [(text[:first], False), (text[first:last], True), (text[last:], False)]
