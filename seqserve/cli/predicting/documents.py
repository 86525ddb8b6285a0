"""`seqserve predict translate` on a file that is translated as a whole."""

from __future__ import annotations

import codecs
import json
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from seqserve.bulk.documents.formats import DOCUMENTS, SUFFIXES, DocumentFormat
from seqserve.bulk.documents.translating import Doubt, Translated, translate
from seqserve.bulk.rows import rejected_row
from seqserve.cli.predicting.options import Options
from seqserve.cli.predicting.run_config import RunConfig, make_config, open_models
from seqserve.cli.progress import bar
from seqserve.encodings import is_utf8
from seqserve.errors import ConfigError, DataError
from seqserve.files import written_whole
from seqserve.tasks import Task

_MARK = "\ufeff"


def document_format(task: Task, options: Options) -> DocumentFormat | None:
    """Return the format of a document to translate; None: the input is a file of texts.

    Raises:
        ConfigError: Another task is to read a document, or an option does not apply to documents.
    """
    paths = options.input or []
    if options.input_format is None:
        found = {SUFFIXES.get(path.suffix.lower()) for path in paths} - {None}
        name = found.pop() if found and task == "translation" else None
    else:
        name = cast(DocumentFormat, options.input_format)
        name = name if name in DOCUMENTS else None
    if name is None:
        return None
    if task != "translation":
        raise ConfigError(f"--from {name} is for `predict translate`, which keeps the document")
    if len(paths) > 1:
        raise ConfigError("a document is translated by itself: name one file")
    for option, value in _without_meaning(options).items():
        if value:
            raise ConfigError(f"{option} is for files of texts; a document comes out as it is")
    return name


def _without_meaning(options: Options) -> Mapping[str, Any]:
    return {
        "--resume": options.resume,
        "--to": options.output_format,
        "--keep": options.keep,
        "--limit": options.limit,
        "--delimiter": options.delimiter,
        "--engine ray": options.engine == "ray",
    }


def predict_document(
    name: DocumentFormat, options: Options, asked: Mapping[str, Any]
) -> tuple[dict[str, Any], RunConfig]:
    """Translate a document; return the report and the configuration of the run.

    Raises:
        SeqserveError: The file cannot be read or written, or the model cannot be opened.
    """
    row = DOCUMENTS[name]
    if asked.get("format", row.text_format) != row.text_format:
        raise ConfigError(f"--format {asked['format']}: the texts of {name} are {row.text_format}")
    as_texts = replace(options, input_format="text", output_format="jsonl")
    started = time.monotonic()
    config = make_config("translation", as_texts, {**asked, "format": row.text_format})
    if options.out is not None and options.out.exists():
        raise DataError(f"{options.out} exists already; remove it, or choose another file")
    text = _read(options)
    mark = _MARK if text.startswith(_MARK) else ""
    parts = row.read(text.removeprefix(_MARK))
    with ExitStack() as stack:
        advance = stack.enter_context(bar("predict translation", None))
        advance(0, "loading the model")
        model, submit = stack.enter_context(open_models(config))
        done = translate(
            parts, submit, config.size, lambda n, total: advance(n, f"{n:,} of {total:,} texts")
        )
    _write(mark + done.text, options)
    _report_faults(done, config)
    report = {
        "model": model.name,
        "version": model.version,
        "answered": done.n_texts,
        "rejected": len(done.rejected),
        "warned": len(done.doubts),
        "seconds": round(time.monotonic() - started, 3),
    }
    return report, config


def _read(options: Options) -> str:
    """Return the text of the file, with its line ends.

    Raises:
        DataError: It cannot be read, or is not in its encoding.
    """
    path = options.input[0] if options.input else Path("-")
    try:
        raw = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
        return codecs.decode(raw, _encoding(options))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise DataError(
            f"{path} is not in {options.encoding}: {error}. Name its encoding with --encoding"
        ) from None


def _encoding(options: Options) -> str:
    return "utf-8" if is_utf8(options.encoding) else options.encoding


def _write(text: str, options: Options) -> None:
    """Write the document.

    Raises:
        DataError: It cannot be written, or not in its encoding.
    """
    try:
        raw = text.encode(_encoding(options))
        if options.out is None:
            sys.stdout.buffer.write(raw)
            sys.stdout.buffer.flush()
            return
        with written_whole(options.out) as partial:
            partial.write_bytes(raw)
    except UnicodeError as error:
        raise DataError(
            f"the translation cannot be written in {options.encoding}: {error}"
        ) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"{options.out} cannot be written: {error.strerror}") from None


def _report_faults(done: Translated, config: RunConfig) -> None:
    """Write what was rejected, and what has warnings, next to the output or on standard error."""
    rejected = b"".join(map(rejected_row, done.rejected))
    doubts = b"".join(map(_doubt_row, done.doubts))
    out = config.options.out
    for content, path in ((rejected, config.rejected), (doubts, out and _warnings_file(out))):
        if content and path:
            path.write_bytes(content)
        elif content:
            sys.stderr.buffer.write(content)


def _warnings_file(out: Path) -> Path:
    return Path(f"{out}.warnings.jsonl")


def _doubt_row(doubt: Doubt) -> bytes:
    fields = {name: doubt.result[name] for name in ("warnings", "score")}
    row = {"line": doubt.line, **fields, "text": doubt.text, "translation": doubt.result["text"]}
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"
