"""Line breaks: soft ones, of hard-wrapped paragraphs, and hard ones, which end a sentence.

A break is soft if the sentence goes on behind it: the next line starts with a lower-case letter or the
line ends with a word such as "of", and the line is about as long as the lines around it. All other breaks
are hard: blank lines, short lines, lists, tables, `header: value`. Where a paragraph is wrapped, breaks at
which a sentence ends or a name goes on are soft as well, if the next word had no space left in the line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

from seqserve.choices import LineBreaks
from seqserve.text.furniture import (
    prefix_length,
    quote_length,
    quote_level,
    stands_alone,
    starts_with_mark,
)
from seqserve.text.scripts import CJK

_LINE = regex.compile(
    r"([^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]*)(\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]|$)"
)
_WRAPS = ("\n", "\r\n", "\r")  # every other break is hard
_CELL_GAP = regex.compile(r"(?<=\S)(?:[ ]*\t\s*|[ \u00A0\u3000]{3,})(?=\S)")
_SENTENCE_END = regex.compile(r"[.!?…。！？؟।:：][\"'”’»)\]]*\s*$")
_CODE_ENDS = ("{", "}", "=", "<", ">", "|", "\\")
_GOES_ON = regex.compile(r"\s*[(\"'“‘«\[]?\p{Ll}")
_CAPITAL = regex.compile(r"\s*[(\"'“‘«\[]?\p{Lu}")
_HEADER = regex.compile(r"\s*\p{L}[\w-]*(?:[ ][\w-]+){0,2}:\s+\S")
_LAST_WORD = regex.compile(r"([\p{L}]+)\s*$")
# Breaks are allowed between any two characters of CJK.
_WORD = regex.compile(rf"[{CJK}]|[^\s{CJK}]+")
_CJK_END = regex.compile(rf"[{CJK}][，、“”「」（）]?\s*$")
_CJK_START = regex.compile(rf"\s*[“「（]?[{CJK}]")
_MIN_WRAP = 20  # columns: nobody wraps at less
_MIN_PROSE = 40  # columns, from which a wrapped line needs no other evidence than its full stop
_MIN_WORDS = 3  # of a line whose sentence goes on, however short it is
_FULL = 0.6  # of the longest line: a line of a wrapped paragraph
_NEARLY_FULL = (
    0.85  # of the longest line, which an unbreakable word may have made longer than the others
)
_LAST = 0.4  # the same, where the paragraph is known to be wrapped and to be a sentence

# Words after which a phrase always goes on.
_PHRASE_WORDS = """
        a an the of and or nor but with from by at as than that which who whose is are was were be been has
        have had will would can could may might must shall should this these those its their our your my his
        her der die das dem den des ein eine einen einem einer und oder von mit für bei aus als dass le la
        les un une du de et ou avec pour par dans sur que qui el los las una y o con por para en
"""
_OPEN_WORDS = frozenset(_PHRASE_WORDS.split())


@dataclass(frozen=True)
class Line:
    """A line of a text: `text[start:end]` is what it says, and `text[end:stop]` its break.

    Args:
        start: First code point.
        end: One past the last code point before the break.
        stop: One past the break; the next line starts there.
        is_soft: Whether the break is soft: the sentence may go on in the next line.
    """

    start: int
    end: int
    stop: int
    is_soft: bool = False


def lines_of(text: str, line_breaks: LineBreaks = "auto", start: int = 0) -> list[Line]:
    r"""Cut a text into lines and tell soft breaks from hard ones.

    Args:
        text: Any text.
        line_breaks: keep: all breaks are hard. join: those that the layout allows are soft. auto: those
            at which a paragraph looks wrapped are soft.
        start: Where the first line begins.

    Returns:
        Lines in order, without gaps; the last one has no break unless the text ends with one. The breaks
        `\x0b \x0c \x1c \x1d \x1e \x85 \u2028 \u2029` are always hard.
    """
    lines = [
        Line(match.start(), match.end(1), match.end())
        for match in _LINE.finditer(text, start)
        if match.group()
    ]
    if len(lines) < 2 or line_breaks == "keep":
        return lines
    said = [text[line.start : line.end] for line in lines]
    soft = [
        text[line.end : line.stop] in _WRAPS and _may_go_on(before, behind)
        for line, before, behind in zip(lines, said, said[1:], strict=False)
    ]
    if line_breaks == "auto":
        soft = _wrapped(said, soft)
    return [
        replace(line, is_soft=True) if is_soft else line
        for line, is_soft in zip(lines, [*soft, False], strict=True)
    ]


def _wrapped(said: Sequence[str], may_go_on: Sequence[bool]) -> list[bool]:
    """Return which of the breaks that may be soft are so."""
    soft: list[bool] = []
    first = 0
    for i, is_open in enumerate([*may_go_on, False]):
        if not is_open:
            paragraph = [line[quote_length(line) :] for line in said[first : i + 1]]
            soft += [*_soft_breaks(paragraph), False]
            first = i + 1
    return soft[:-1]


def blocks_of(text: str) -> list[tuple[int, int]]:
    """Cut a text behind its hard breaks: hard line breaks, tabs and gaps of three and more spaces in a line.

    No sentence and no entity goes beyond a block. A block may contain soft line breaks, which are white
    space like any other.

    Args:
        text: Any text.

    Returns:
        (start, end) code points in order, without gaps: joined, `text[start:end]` is the text. A block
        includes the break or the gap that ends it, and may be blank.
    """
    blocks = []
    start = 0
    for line in lines_of(text):
        for gap in _CELL_GAP.finditer(text, line.start, line.end):
            blocks.append((start, gap.end()))
            start = gap.end()
        if not line.is_soft:
            blocks.append((start, line.stop))
            start = line.stop
    return blocks


def cells_of(line: str) -> list[tuple[int, int]]:
    """Return (start, end) of what stands between the tabs and wide gaps of a line, without these gaps."""
    gaps = [(gap.start(), gap.end()) for gap in _CELL_GAP.finditer(line)]
    edges = [0, *(edge for gap in gaps for edge in gap), len(line)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _may_go_on(line: str, following: str) -> bool:
    """Return whether the layout allows a sentence to go on from a line to the next."""
    if quote_level(line) != quote_level(following):
        return False
    line, following = line[quote_length(line) :], following[quote_length(following) :]
    return not (
        not line.strip()
        or not following.strip()
        or stands_alone(line)
        or starts_with_mark(following)
        or stands_alone(following)
        or _is_code(line)
        or _CELL_GAP.search(line)
        or _CELL_GAP.search(following)
        or (_HEADER.match(following) and (_HEADER.match(line) or _CAPITAL.match(following)))
    )


def _is_code(line: str) -> bool:
    """Return whether a line ends as a line of a program does."""
    line = line.rstrip()
    return line.endswith(_CODE_ENDS) or (line.endswith(";") and any(sign in line for sign in "=({"))


def _soft_breaks(paragraph: Sequence[str]) -> list[bool]:
    """Return which breaks between the lines of a paragraph are soft.

    Args:
        paragraph: Lines that no blank line, mark or table divides.
    """
    if len(paragraph) < 2:
        return []
    widths = [_columns(line) for line in paragraph]
    longest = max(widths)
    is_sentence = _SENTENCE_END.search(paragraph[-1]) is not None
    has_start = _CAPITAL.match(paragraph[0], prefix_length(paragraph[0])) is not None
    pairs = list(zip(paragraph, paragraph[1:], widths, strict=False))
    full = [
        width + 1 + _columns(_first_word(after)) > longest or width >= _NEARLY_FULL * longest
        for _, after, width in pairs
    ]
    flows = []
    for (line, after, width), is_full in zip(pairs, full, strict=True):
        is_shown = (
            _ends_open(line)
            or (_GOES_ON.match(after) and (is_sentence or width >= _MIN_PROSE))
            or (is_sentence and _CJK_END.search(line) and _CJK_START.match(after))
        )
        is_wrapped = is_full and width >= _MIN_WRAP
        is_short_sentence = is_sentence and has_start and len(line.split()) >= _MIN_WORDS
        flows.append(
            not _SENTENCE_END.search(line) and bool(is_shown) and (is_wrapped or is_short_sentence)
        )
    is_flowing = any(flows)
    return [
        is_flow or _is_wrapped(line, width / longest, is_full, is_flowing, is_sentence)
        for is_flow, (line, _, width), is_full in zip(flows, pairs, full, strict=True)
    ]


def _is_wrapped(
    line: str, share: float, is_full: bool, is_flowing: bool, is_sentence: bool
) -> bool:
    """Return whether a line without evidence of its own was wrapped.

    Args:
        line: Its text.
        share: Its width as a share of the paragraph's longest line.
        is_full: Whether it has no space left for the next word, or hardly any.
        is_flowing: Whether another break of the paragraph is soft for certain.
        is_sentence: Whether the paragraph ends with a full stop.
    """
    if _SENTENCE_END.search(line):
        return is_flowing and is_full and share >= _FULL
    if is_flowing:
        return is_full or share >= (_LAST if is_sentence else _FULL)
    words = [word for word in line.split() if word[0].isalpha()]
    n_lower = sum(not word[0].isupper() for word in words)
    is_prose = (2 * n_lower > len(words) or line.isupper()) and _columns(line) >= _MIN_PROSE
    return is_full and is_sentence and is_prose


def _ends_open(line: str) -> bool:
    """Return whether a line ends with a comma, a hyphen or a word after which a phrase goes on."""
    if line.rstrip().endswith((",", "，", "-", "\u00ad")):
        return True
    word = _LAST_WORD.search(line)
    return word is not None and word.group(1) in _OPEN_WORDS


def _first_word(line: str) -> str:
    word = _WORD.search(line)
    return word.group() if word else ""


def _columns(line: str) -> int:
    """Return the width of a line in columns: two for a character of full width."""
    line = line.rstrip()
    if line.isascii():
        return len(line)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)
