"""PO files: every entry without a translation is a unit; the others are copied.

A translation of a machine is marked as `fuzzy`, so that programs do not use it before a person has read it.
Where the target language has one form, the plural is translated, otherwise the first form is the singular.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import regex

from seqserve.bulk.documents.unit import Parts, Translations, Unit
from seqserve.text.documents.passages import has_letters

_LINES = regex.compile(r"[^\n]*\n|[^\n]+\Z")
_FIELD = regex.compile(
    r'[ \t]*(msgctxt|msgid_plural|msgid|msgstr)(?:[ \t]*\[(\d+)\])?[ \t]*("(?:[^"\\]|\\.)*+")[ \t]*\r?\n?'
)
_CONTINUED = regex.compile(r'[ \t]*("(?:[^"\\]|\\.)*+")[ \t]*\r?\n?')
_FLAGS = regex.compile(r"#,(.*)")
_ESCAPE = regex.compile(r"\\(?:([abfnrtv\\\"?'])|([0-7]{1,3})|x([0-9a-fA-F]{1,2}))")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_SPELLED = {"\\": "\\\\", '"': '\\"', **{char: f"\\{name}" for name, char in _ESCAPES.items()}}


@dataclass
class _Field:
    """A string of an entry: its keyword, the number of a plural form, its lines, and its value."""

    keyword: str
    number: int | None
    lines: list[str]
    value: str


@dataclass
class _Entry:
    """An entry: lines before its first string, and its strings."""

    line: int
    comments: list[str] = field(default_factory=list)
    fields: list[_Field] = field(default_factory=list)

    @property
    def source(self) -> str:
        return "".join([*self.comments, *(one for row in self.fields for one in row.lines)])

    def value(self, keyword: str) -> str:
        return next((row.value for row in self.fields if row.keyword == keyword), "")


def read_po(text: str) -> Parts:
    """Cut a PO file into copied text and units."""
    parts: list[str | Unit] = []
    for entry in _entries(text):
        unit = _unit(entry)
        parts.append(entry.source if unit is None else unit)
    return parts


def _entries(text: str) -> Iterator[_Entry]:
    """Yield entries; joined, their sources are the file."""
    entry = _Entry(1)
    for number, line in enumerate(_LINES.findall(text), start=1):
        found = _FIELD.fullmatch(line)
        continued = _CONTINUED.fullmatch(line)
        if found and (not entry.fields or _goes_on(entry, found.group(1))):
            index = int(found.group(2)) if found.group(2) else None
            entry.fields.append(_Field(found.group(1), index, [line], _value(found.group(3))))
        elif continued and entry.fields:
            entry.fields[-1].lines.append(line)
            entry.fields[-1].value += _value(continued.group(1))
        elif not entry.fields:
            entry.comments.append(line)
        else:
            yield entry
            entry = _Entry(number)
            if found:
                entry.fields.append(_Field(found.group(1), None, [line], _value(found.group(3))))
            else:
                entry.comments.append(line)
    yield entry


def _goes_on(entry: _Entry, keyword: str) -> bool:
    """Return whether a string belongs to the entry of the strings before it."""
    last = entry.fields[-1].keyword
    return keyword not in ("msgctxt", "msgid") or (keyword == "msgid" and last == "msgctxt")


def _unit(entry: _Entry) -> Unit | None:
    forms = [row for row in entry.fields if row.keyword == "msgstr"]
    if not forms or any(row.value for row in forms) or not entry.value("msgid"):
        return None
    sources = _sources(entry, forms)
    texts = [source.strip() for source in sources]
    if not all(map(has_letters, texts)):
        return None
    distinct = tuple(dict.fromkeys(texts))

    def write(translations: Translations) -> str:
        if None in translations:
            return entry.source
        said = dict(zip(distinct, translations, strict=True))
        written = {
            id(form): _spell(form, source.replace(text, said[text] or "", 1))
            for form, source, text in zip(forms, sources, texts, strict=True)
        }
        rows = ["".join(written.get(id(row), "".join(row.lines))) for row in entry.fields]
        return "".join([*_fuzzy(entry), *rows])

    return Unit(distinct, entry.line + len(entry.comments), entry.source, write)


def _sources(entry: _Entry, forms: list[_Field]) -> list[str]:
    """Return what each form is translated from."""
    one, many = entry.value("msgid"), entry.value("msgid_plural")
    if not many:
        return [one for _ in forms]
    return [many] if len(forms) == 1 else [one if form.number == 0 else many for form in forms]


def _fuzzy(entry: _Entry) -> list[str]:
    """Return the comments of an entry with the flag."""
    comments = list(entry.comments)
    for index, line in enumerate(comments):
        if flags := _FLAGS.match(line):
            if "fuzzy" not in flags.group(1):
                comments[index] = f"#, fuzzy,{line[2:]}"
            return comments
    end = "\r\n" if entry.fields[0].lines[0].endswith("\r\n") else "\n"
    at = len(comments)
    while at > 0 and comments[at - 1].startswith("#|"):  # flags stand before the previous text
        at -= 1
    return [*comments[:at], f"#, fuzzy{end}", *comments[at:]]


def _spell(form: _Field, value: str) -> str:
    """Return a string of an entry with another value; lines of the value are lines of the file."""
    first = form.lines[0]
    at = first.index('""')
    end = "\r\n" if first.endswith("\r\n") else "\n"
    rows = [f'"{_escaped(row)}"' for row in value.splitlines(keepends=True)]
    if len(rows) < 2:
        return first[:at] + rows[0] + first[at + 2 :]
    return first[:at] + end.join(['""', *rows]) + (first[at + 2 :] or end)


def _value(literal: str) -> str:
    return _ESCAPE.sub(_unescaped, literal[1:-1])


def _unescaped(match: regex.Match[str]) -> str:
    name, octal, hexadecimal = match.groups()
    if name:
        return _ESCAPES.get(name, name)
    return chr(int(octal, 8) if octal else int(hexadecimal, 16))


def _escaped(text: str) -> str:
    return "".join(_SPELLED.get(char, char) for char in text)
