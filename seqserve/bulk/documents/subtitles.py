r"""Subtitles, SRT and WebVTT: the text of every cue is a unit; numbers, times and settings are copied.

The lines of a cue are one text, unless they are those of several speakers, each with a dash. The
translation has at most as many lines. Marks at the ends of a text (`<i>`, `{\an8}`, ♪) are copied.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from seqserve.bulk.documents.unit import Parts, Translations, Unit, with_lines
from seqserve.bulk.documents.wrapping import wrap
from seqserve.text.documents.passages import has_letters

_TIME = r"(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_END = r"(?:\r\n|\n|\r)"
_CUE = regex.compile(
    rf"(?m)^([ \t]*{_TIME}[ \t]+-->[ \t]+{_TIME}[^\r\n]*{_END})"  # the line with the times
    rf"((?:(?![ \t]*(?:\r|\n|\Z))[^\r\n]*(?:{_END}|\Z))+)"  # lines up to the first blank one
)
_LINE = regex.compile(rf"([^\r\n]+)({_END}|\Z)")
_SPEAKER = regex.compile(r"\s*(?:<[^<>]*>)*\s*[-–—]\s*\S")
_MARK = r"(?:<[^<>\n]*>|\{[^{}\n]*\}|[♪♫#\s]|&lrm;|&rlm;)"
_EDGES = regex.compile(rf"({_MARK}*(?:[-–—]\s*)?{_MARK}*)(.*?)({_MARK}*)", regex.DOTALL)
_TIMESTAMP = regex.compile(r"(<\d[\d:.]*>)")


def read_subtitles(text: str) -> Parts:
    """Cut a file of subtitles into copied text and units."""
    parts: list[str] = []
    is_cue = []
    at = 0
    for cue in _CUE.finditer(text):
        parts += [text[at : cue.start(2)], cue.group(2)]
        is_cue += [False, True]
        at = cue.end()
    parts.append(text[at:])
    is_cue.append(False)
    read: list[str | Unit] = []
    for (line, part), of_cue in zip(with_lines(parts), is_cue, strict=True):
        read += _cue(part, line) if of_cue else [part]
    return read


def _cue(text: str, line: int) -> Iterator[str | Unit]:
    rows = [(match.group(1), match.group(2)) for match in _LINE.finditer(text)]
    is_dialogue = len(rows) > 1 and sum(bool(_SPEAKER.match(row)) for row, _ in rows) > 1
    groups = [[row] for row in rows] if is_dialogue else [rows]
    for group in groups:
        yield from _spoken(group, line)
        line += len(group)


def _spoken(rows: list[tuple[str, str]], line: int) -> Iterator[str | Unit]:
    """Yield the parts of lines that belong together."""
    source = "".join(row + end for row, end in rows)
    if _TIMESTAMP.search(source):  # words that appear one after the other
        for part_line, part in with_lines(_TIMESTAMP.split(source), line - 1):
            yield from [part] if _TIMESTAMP.fullmatch(part) else _unit(part, part_line)
        return
    yield from _unit(source, line)


def _unit(source: str, line: int) -> Iterator[str | Unit]:
    edges = _EDGES.fullmatch(source)
    if edges is None or not has_letters(edges.group(2)):
        yield source
        return
    before, core, after = edges.groups()
    rows = [match.groups() for match in _LINE.finditer(core)]
    text = " ".join(row.strip() for row, _ in rows)
    line_end = next((end for _, end in rows if end), "\n")

    def write(translations: Translations) -> str:
        (translation,) = translations
        if translation is None or translation == text:
            return core
        return line_end.join(wrap(" ".join(translation.split()), [row for row, _ in rows]))

    yield before
    yield Unit((text,), line, core, write)
    yield after
