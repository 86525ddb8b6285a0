"""Predictions as rows of JSONL, CSV or CoNLL. Every row, or group of rows, names the line of its text.

| format | a text becomes |
|---|---|
| jsonl | one object: `line`, the fields to keep, the fields of the API's result |
| csv | one row for a text; for entities, one for each, and one with empty fields if there is none |
| conll | `# line = N`, then a token, a tab and its BIO2 tag a line, a blank line after every sentence |

In a cell, the labels of a text are separated by "; ", and its warnings by a space.
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

OutputFormat = Literal["jsonl", "csv", "conll"]
FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
SUFFIXES: dict[str, OutputFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".conll": "conll",
}
_CRLF = "\r\n"
Row = Callable[[Record, Result], bytes]
"""Formats the prediction for a text."""


def fields_of(task: Task, format: OutputFormat) -> tuple[str, ...]:
    """Return the names of the prediction's fields in the output."""
    spec = TASKS[task]
    return spec.csv_columns if format == "csv" else spec.result_fields


def check_output(task: Task, format: OutputFormat, asked: Mapping[str, Any], kept: Columns) -> None:
    """Check that a format can hold everything that was asked for.

    Args:
        task: The task.
        format: Format of the output.
        asked: The options of the request, by their names in the API.
        kept: The fields to keep.

    Raises:
        ConfigError: It cannot.
    """
    if format in ("csv", "conll"):
        for name in ("sentences", "alternatives"):
            if asked.get(name):
                raise ConfigError(f"{format} has no place for {name}: write jsonl instead")
    if format == "conll":
        if TASKS[task].data_suffix != "conll":
            raise ConfigError(
                f"conll is for entities (ner), not for {task}: write jsonl or csv instead"
            )
        if kept.beside:
            raise ConfigError("conll has no place for fields that are kept: write jsonl instead")
        if asked.get("offset_unit", "codepoint") != "codepoint":
            raise ConfigError("conll has no offsets: leave the unit out, or write jsonl instead")


def header_of(task: Task, format: OutputFormat, kept: Columns) -> bytes:
    """Return what comes before the first row."""
    if format != "csv":
        return b""
    return _csv_line([LINE, *kept.kept, *TASKS[task].csv_columns])


def row_maker(task: Task, format: OutputFormat, language: str) -> Row:
    """Return the function that formats predictions as rows.

    Args:
        task: The task.
        format: Format of the output.
        language: Language of the texts; CoNLL splits them into sentences.
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
    """Return the JSON line with the reason why a record was rejected."""
    said = {LINE: rejected.line, "code": rejected.why.code, "message": rejected.why.message}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _jsonl_row(record: Record, result: Result) -> bytes:
    return orjson.dumps(
        {LINE: record.line, **record.beside, **result}, option=orjson.OPT_APPEND_NEWLINE
    )


def _csv_line(cells: Sequence[object]) -> bytes:
    """Format one row, fields quoted where necessary, with a line feed at the end.

    Before Python 3.11.9 and 3.12.3, a carriage return is quoted only if the line end has one.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator=_CRLF).writerow(cells)
    return f"{text.getvalue().removesuffix(_CRLF)}\n".encode()


def _cell(value: object) -> object:
    """Format a field to keep: strings and numbers unchanged, null empty, everything else as JSON."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return orjson.dumps(value).decode()


def _csv_cells(spec: TaskSpec, result: Result) -> Iterator[list[object]]:
    """Yield the cells of every row of a result: one row, or one per element of `csv_rows`, at least one."""
    rows = result[spec.csv_rows] if spec.csv_rows else [result]
    for row in rows or [{}]:
        yield [_joined(row.get(name)) for name in spec.csv_columns]


def _joined(value: Any) -> Any:
    """Format a list of codes or of scored labels in one cell."""
    if not isinstance(value, list | tuple):
        return value
    if all(isinstance(one, str) for one in value):
        return " ".join(value)
    return "; ".join(one["label"] for one in value)


def _conll_rows(record: Record, result: Result, language: str) -> bytes:
    """Format the tokens of a text; a token belongs to an entity if it overlaps it."""
    from seqserve.text.sentences import split_sentences
    from seqserve.text.tags import OUTSIDE
    from seqserve.text.words import tokenize

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
