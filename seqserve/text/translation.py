"""Text <-> segments to translate: lines and white space kept, sentences cut, oddities noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

from seqserve.text.normal import normalize
from seqserve.text.sentences import split_sentences

_LETTER = regex.compile(r"\p{L}")
_NUMBER = regex.compile(r"\p{Nd}+(?:[.,]\p{Nd}+)*")
_REPEATED = regex.compile(r"(.{2,30}?)\1{3,}", regex.DOTALL)
_CLAUSE_END = regex.compile(r"[,;:，；：、—]\s*")
_SPACE = regex.compile(r"\s+")
_UNSPACED = ("zh", "ja")  # languages that put no space between sentences


@dataclass(frozen=True)
class Segment:
    """A piece of the text.

    Args:
        text: A sentence to translate, or text to copy.
        is_translatable: False: no letter in it, so it is copied.
        is_gap: White space between two sentences of one line.
    """

    text: str
    is_translatable: bool
    is_gap: bool = False


def segments_of(text: str, language: str) -> list[Segment]:
    """Cut a text into sentences and what stands between them; joined, they are the text."""
    return [
        segment
        for line in text.splitlines(keepends=True)
        for segment in _line_segments(line, language)
    ]


def _line_segments(line: str, language: str) -> list[Segment]:
    body = line.strip()
    if not body:
        return [Segment(line, is_translatable=False)]
    before = line[: line.index(body)]
    after = line[len(before) + len(body) :]
    segments = [Segment(before, is_translatable=False)]
    for sentence in split_sentences(body, language):
        core = sentence.text.strip()
        lead, _, tail = sentence.text.partition(core) if core else (sentence.text, "", "")
        segments.append(Segment(lead, is_translatable=False, is_gap=True))
        segments.append(Segment(core, is_translatable=_LETTER.search(core) is not None))
        segments.append(Segment(tail, is_translatable=False, is_gap=True))
    segments.append(Segment(after, is_translatable=False))
    return [segment for segment in segments if segment.text]


def split_long(text: str, n_tokens: Callable[[str], int], limit: int) -> list[str]:
    """Halve a sentence that is too long, at a clause end or space near its middle, until all fit.

    Args:
        text: A sentence without outer white space.
        n_tokens: Counts the tokens of a piece.
        limit: Most tokens of a piece; a single character is never cut.

    Returns:
        The pieces; inner white space at the cuts goes with the piece before, and none is blank.
    """
    if len(text) < 2 or n_tokens(text) <= limit:
        return [text]
    middle = len(text) // 2
    for pattern in (_CLAUSE_END, _SPACE):
        cuts = [match.end() for match in pattern.finditer(text)]
        cuts = [cut for cut in cuts if len(text) // 5 < cut < len(text) - len(text) // 5]
        if cuts:
            middle = min(cuts, key=lambda cut: abs(cut - len(text) // 2))
            break
    halves = (text[:middle], text[middle:])
    return [piece for half in halves if half.strip() for piece in split_long(half, n_tokens, limit)]


def join_segments(segments: Sequence[Segment], translations: Sequence[str], target: str) -> str:
    """Put a text together again.

    Between two translations the white space becomes what the target language wants; all other white
    space stays as it was.

    Args:
        segments: The result of `segments_of`.
        translations: One string per translatable segment, in order.
        target: Language of the translations; some put no space between sentences.
    """
    remaining = iter(translations)
    parts: list[str] = []
    gap: str | None = None  # white space since the last translation, None: something else came
    for segment in segments:
        if segment.is_gap and gap is not None:
            gap += segment.text
        elif segment.is_translatable:
            if gap is not None:
                parts.append(_between(gap, target))
            parts.append(next(remaining))
            gap = ""
        else:
            parts += [gap or "", segment.text]
            gap = None
    return "".join([*parts, gap or ""])


def join_pieces(pieces: Sequence[str], target: str) -> str:
    """Put the translations of one long sentence's pieces together."""
    return _between("", target).join(pieces)


def _between(gap: str, target: str) -> str:
    """Return what stands between two sentences of a line."""
    return "" if target in _UNSPACED else gap or " "


def oddities(source: str, translation: str) -> list[str]:
    """Name what looks wrong about the translation of one segment.

    Returns:
        Any of `number_mismatch` (other digits than the source), `repetition` (a phrase four times in
        a row, not so in the source), `untranslated` (three words or more, copied).
    """
    found = []
    if numbers(source) != numbers(translation):
        found.append("number_mismatch")
    if _repeats(translation) and not _repeats(source):
        found.append("repetition")
    if source.casefold() == translation.casefold() and len(_words(source)) >= 3:
        found.append("untranslated")
    return found


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text, without thousands separators; full-width digits are digits."""
    plain = normalize("NFKC", text)
    return Counter(match.replace(",", "") for match in _NUMBER.findall(plain))


def _repeats(text: str) -> bool:
    return any(_LETTER.search(match.group(1)) for match in _REPEATED.finditer(text))


def _words(text: str) -> list[str]:
    return [word for word in text.split() if _LETTER.search(word)]
