"""Answers into rows of JSONL, CSV or CoNLL. Every row, or group of rows, says the line it answers.

| format | a text becomes |
|---|---|
| jsonl | one object: `line`, the fields that are kept, the fields of the API's result |
| csv | one row for a text; for names, one for every entity, and one with empty fields if there is none |
| conll | `# line = N`, then a token, a tab and its BIO2 tag a line, a blank line behind every sentence |
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import orjson

from seqserve.bulk.records import LINE, Columns, Record, Rejected, Result
from seqserve.errors import ConfigError
from seqserve.tasks import TASKS, Task, TaskSpec
from seqserve.text.sentences import split_sentences
from seqserve.text.tags import OUTSIDE
from seqserve.text.words import tokenize

OutputFormat = Literal["jsonl", "csv", "conll"]
FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
SUFFIXES: dict[str, OutputFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".conll": "conll",
}
Row = Callable[[Record, Result], bytes]
"""What a text's answer looks like in the file."""


def fields_of(task: Task, format: OutputFormat) -> tuple[str, ...]:
    """Give the names that the output has of its own."""
    spec = TASKS[task]
    return spec.csv_columns if format == "csv" else spec.result_fields


def check_output(task: Task, format: OutputFormat, asked: Mapping[str, Any], kept: Columns) -> None:
    """See whether a format has a place for everything.

    Args:
        task: What is asked for.
        format: Of the output.
        asked: The options of the request, by their names in the API.
        kept: The fields that are to be kept.

    Raises:
        ConfigError: It has not.
    """
    if format == "csv":
        for name in ("sentences", "alternatives"):
            if asked.get(name):
                raise ConfigError(f"csv has no place for {name}: write jsonl instead")
    if format == "conll":
        if task != "ner":
            raise ConfigError(f"conll is for names, not for {task}: write jsonl or csv instead")
        if kept.beside:
            raise ConfigError("conll has no place for fields that are kept: write jsonl instead")
        if asked.get("offset_unit", "codepoint") != "codepoint":
            raise ConfigError("conll has no offsets: leave the unit out, or write jsonl instead")


def header_of(task: Task, format: OutputFormat, kept: Columns) -> bytes:
    """Give what stands before the first row."""
    if format != "csv":
        return b""
    return _csv_line([LINE, *kept.beside.values(), *TASKS[task].csv_columns])


def row_maker(task: Task, format: OutputFormat, language: str) -> Row:
    """Give what makes rows of answers.

    Args:
        task: What was asked.
        format: Of the output.
        language: Of the texts, whose sentences CoNLL shows.
    """
    if format == "jsonl":
        return _jsonl_row
    if format == "conll":
        return lambda record, result: _conll_rows(record, result, language)
    spec = TASKS[task]
    return lambda record, result: b"".join(
        _csv_line([record.line, *map(_cell, record.beside.values()), *found])
        for found in _csv_cells(spec, result)
    )


def rejected_row(rejected: Rejected) -> bytes:
    """Give the JSON line that says why a record has no answer."""
    said = {LINE: rejected.line, "code": rejected.why.code, "message": rejected.why.message}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _jsonl_row(record: Record, result: Result) -> bytes:
    return orjson.dumps(
        {LINE: record.line, **record.beside, **result}, option=orjson.OPT_APPEND_NEWLINE
    )


def _csv_line(cells: Sequence[object]) -> bytes:
    """One row, fields in quotes where they must be, a line feed behind."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A kept field: strings and numbers as they are, null empty, all else as JSON."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return orjson.dumps(value).decode()


def _csv_cells(spec: TaskSpec, result: Result) -> Iterator[list[object]]:
    """Yield the cells of every row of a result: one row, or one per element of `csv_rows`, at least one."""
    rows = result[spec.csv_rows] if spec.csv_rows else [result]
    for row in rows or [{}]:
        cells = [row.get(name) for name in spec.csv_columns]
        yield [" ".join(cell) if isinstance(cell, list | tuple) else cell for cell in cells]


def _conll_rows(record: Record, result: Result, language: str) -> bytes:
    """A text's tokens as the tagger reads them; a token of an entity is one that overlaps it."""
    entities = iter(result["entities"])
    entity = next(entities, None)
    begun = None
    lines = [f"# {LINE} = {record.line}\n"]
    for sentence in split_sentences(record.text, language):
        tokens = tokenize(sentence.text, sentence.start)
        for token in tokens:
            while entity is not None and entity["end"] <= token.start:
                entity = next(entities, None)
            tag = OUTSIDE
            if entity is not None and token.end > entity["start"]:
                tag = f"{'I' if entity is begun else 'B'}-{entity['label']}"
                begun = entity
            lines.append(f"{token.text}\t{tag}\n")
        if tokens:
            lines.append("\n")
    return "".join(lines).encode()
