"""Columns in the manner of CoNLL: a token and its tag a line, a blank line between sentences.

A file has tabs or spaces between its columns. `-DOCSTART-` and `# newdoc` begin a document; without them, every
sentence is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.datasets.annotations.reading import ExportFile
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.tagged_tokens import (
    Sentence,
    TaggedToken,
    of_sentences,
    scheme_of,
)
from seqserve.errors import DataError
from seqserve.text.tag_schemes import has_side, is_outside

_DOCUMENT = "-DOCSTART-"
_NEW_DOCUMENT = re.compile(r"#\s*newdoc\b")


@dataclass
class _Document:
    where: str
    sentences: list[Sentence] = field(default_factory=list)


def read_conll(
    files: Sequence[ExportFile], options: ReadOptions, report: Report
) -> Iterator[Annotation]:
    """Yield the documents of an export; the tags of all its files together tell the scheme.

    Raises:
        DataError: A line lacks a column, or a tag is malformed; names the line.
    """
    documents = [one for file in files for one in _documents(file, options.columns, report)]
    scheme = scheme_of(chain.from_iterable(s for one in documents for s in one.sentences), report)
    for one in documents:
        tags = ([scheme[token.tag] for token in sentence] for sentence in one.sentences)
        yield of_sentences(one.where, zip(one.sentences, tags, strict=True), report)


def _documents(file: ExportFile, columns: tuple[int, int], report: Report) -> Sequence[_Document]:
    """Return the documents of a file; without marks of documents, every sentence is one.

    Raises:
        DataError: As for `_marked_documents`.
    """
    documents, is_marked = _marked_documents(file, columns)
    if is_marked:
        return documents
    report.add(
        "note",
        f"{file.path} has no document marks ({_DOCUMENT}): sentences are divided one by one",
    )
    return [_Document(s[0].where, [s]) for one in documents for s in one.sentences]


def _marked_documents(file: ExportFile, columns: tuple[int, int]) -> tuple[list[_Document], bool]:
    """Return the documents, and whether the file marks them.

    Raises:
        DataError: The file has no tokens, or a line lacks a column.
    """
    documents = [_Document(f"{file.path}, line 1")]
    is_marked = False
    rows: list[TaggedToken] = []
    lines = file.read_text().split("\n")
    separator = next(("\t" for line in lines if "\t" in line), None)
    for number, line in enumerate([*lines, ""], 1):
        cells = _cells(line.removesuffix("\r"), separator)
        is_comment = line.startswith("#") and _is_comment(cells, columns)
        is_mark = cells[:1] == [_DOCUMENT] or (is_comment and bool(_NEW_DOCUMENT.match(line)))
        if rows and (is_mark or not cells):
            documents[-1].sentences.append(rows)
            rows = []
        where = f"{file.path}, line {number}"
        if is_mark:
            is_marked = True
            documents.append(_Document(where))
        elif cells and not is_comment:
            rows.append(_token(cells, columns, where))
    found = [one for one in documents if one.sentences]
    if not found:
        raise DataError(f"{file.path} has no tokens")
    return found, is_marked


def _cells(line: str, separator: str | None) -> list[str]:
    """Return the columns of a line; none of a blank one."""
    if not line.strip():
        return []
    return line.split("\t") if separator else [cell for cell in line.split(" ") if cell]


def _is_comment(cells: Sequence[str], columns: tuple[int, int]) -> bool:
    """Return whether a line that begins with # is no token: one that lacks the tag."""
    tag = _column(cells, columns[1])
    return len(cells) < 2 or tag is None or not (is_outside(tag) or has_side(tag))


def _token(cells: Sequence[str], columns: tuple[int, int], where: str) -> TaggedToken:
    token, tag = (_column(cells, number) for number in columns)
    if not token or not tag or len(cells) < 2:
        raise DataError(
            f"{where}: has {len(cells)} columns; expected are a token and a tag, with tabs or spaces "
            f"between them (--columns {columns[0]},{columns[1]})"
        )
    return TaggedToken(token.strip(), tag.strip(), where)


def _column(cells: Sequence[str], number: int) -> str | None:
    """Return a column by its number, from 1, or from -1 at the end; None if there is no such column."""
    place = number - 1 if number > 0 else number
    return cells[place] if -len(cells) <= place < len(cells) else None
