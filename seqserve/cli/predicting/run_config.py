"""Configuration of a run of `seqserve predict`: formats, files, limits and workers, checked at the start."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from seqserve.bulk import readers, rows
from seqserve.bulk.fingerprint import Checkpoint, Fingerprint
from seqserve.bulk.inputs import InputFile, Inputs, is_gzip, total_bytes
from seqserve.bulk.readers import InputFormat, ReadOptions
from seqserve.bulk.records import Columns, columns_of
from seqserve.bulk.rows import OutputFormat
from seqserve.bulk.run import Submit
from seqserve.bulk.sink import FileSink, Sink
from seqserve.bulk.windows import WindowSize
from seqserve.cli.predicting.options import Options
from seqserve.cli.predicting.spec import Model, PredictionSpec
from seqserve.cpus import available_cpus
from seqserve.encodings import is_utf8
from seqserve.errors import ConfigError
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task

F = TypeVar("F")

_LOCAL = WindowSize()
# A text is four beams and takes long.
_GENERATIVE = WindowSize(512, 100_000, _LOCAL.batch_tokens // 4, 64)
# Well within the limits of a server.
_REQUEST_TOKENS, _REQUEST_TEXTS = 2048, 32
# What a server takes by default; it may be lower there.
_BODY_VARIABLE, _BODY_BYTES = "SEQSERVE_MAX_BODY_BYTES", 4 * 1024 * 1024
_DECOMPRESS = "Decompress it, as in {} FILE | seqserve predict … --from FORMAT"
_SAVE = "Save it as CSV in UTF-8"
_ADVICE = {
    ("--from", ".json"): "Write one object a line, as in jq -c '.[]' FILE.json > FILE.jsonl; "
    "if FILE has that form already, add --from jsonl",
    ("--from", ".md"): "To read every line as a text, add --from text",
    ("--from", ".log"): "To read every line as a text, add --from text",
    ("--from", ".tab"): "If its columns are divided by tabs, add --from tsv",
    ("--from", ".gz"): "Name it FILE.jsonl.gz, FILE.csv.gz or FILE.txt.gz, or set the format "
    "of its content with --from",
    ("--from", ".bz2"): _DECOMPRESS.format("bzcat"),
    ("--from", ".xz"): _DECOMPRESS.format("xzcat"),
    ("--from", ".zst"): _DECOMPRESS.format("zstdcat"),
    ("--from", ".zip"): _DECOMPRESS.format("unzip -p"),
    ("--from", ".xlsx"): _SAVE,
    ("--from", ".xls"): _SAVE,
    ("--from", ".ods"): _SAVE,
    ("--from", ".docx"): "Save it as plain text in UTF-8, .txt",
    ("--from", ".pdf"): "Extract its text, as in pdftotext FILE.pdf FILE.txt",
    ("--to", ".json"): "For one object a line, name it .jsonl or add --to jsonl",
    ("--to", ".tsv"): "Write CSV, which is quoted where it has to be",
    ("--to", ".gz"): "Write to standard output: seqserve predict … --to FORMAT | gzip > FILE",
}
"""What leads to a format, by option and suffix."""


@dataclass(frozen=True)
class RunConfig:
    """A run of `seqserve predict`.

    Args:
        spec: The task and its options.
        options: The command line.
        inputs: The files to read.
        output_format: Format of the output.
        columns: Fields that are read.
        size: Size of windows and batches.
    """

    spec: PredictionSpec
    options: Options
    inputs: tuple[InputFile, ...]
    output_format: OutputFormat
    columns: Columns
    size: WindowSize

    @property
    def rejected(self) -> Path | None:
        """The file of rejected records; None is standard error."""
        if self.options.rejected is None and self.options.out is not None:
            return Path(f"{self.options.out}.rejected.jsonl")
        return self.options.rejected


def make_config(task: Task, options: Options, asked: Mapping[str, Any]) -> RunConfig:
    """Check the command line and complete it.

    Args:
        task: The task.
        options: The command line.
        asked: Options of the task that are set, by their names in the API.

    Raises:
        ConfigError: Options contradict each other, or a value is invalid.
    """
    _check_options(options)
    inputs = _inputs(options)
    output_format = _format(options.output_format, options.out, rows.SUFFIXES, "jsonl", "--to")
    columns = columns_of(
        options.field,
        options.keep or (),
        rows.fields_of(task, output_format),
        with_file=len(inputs) > 1 and output_format != "conll",
    )
    rows.check_output(task, output_format, asked, columns)
    beside = {} if options.model is None else {"model": options.model}
    spec = _spec(task, {**asked, "on_blank": options.on_blank, **beside}, options)
    return RunConfig(spec, options, inputs, output_format, columns, _size(task, options))


def _check_options(options: Options) -> None:
    if options.resume and options.out is None:
        raise ConfigError("--resume needs --out: standard output cannot be resumed")
    if options.as_json and options.out is None:
        raise ConfigError("--json needs --out: standard output is for the predictions")
    if options.url and options.engine == "ray":
        raise ConfigError("--url and --engine ray: choose one")
    for name in ("model", "url"):
        if getattr(options, name) == "":
            raise ConfigError(
                f"--{name} is empty: give it a value, or leave it out for the default"
            )
    if options.out is not None and options.out == options.rejected:
        raise ConfigError(f"--out and --rejected are the same file, {options.out}")


def _spec(task: Task, asked: dict[str, Any], options: Options) -> PredictionSpec:
    if options.url is None:
        from seqserve.cli.predicting.engines import local_spec

        return local_spec(task, asked, options.bundles)
    limit = os.environ.get(_BODY_VARIABLE, str(_BODY_BYTES))
    if not limit.isdecimal() or int(limit) < 1:
        raise ConfigError(f"{_BODY_VARIABLE} is {limit!r}; it must be a number of bytes")
    return PredictionSpec(task, asked, int(limit))


def _inputs(options: Options) -> tuple[InputFile, ...]:
    """Return the files to read, with their formats.

    Raises:
        ConfigError: A format or the delimiter is missing or does not fit.
    """
    is_utf8(options.encoding)
    paths = [None if path == Path("-") else path for path in options.input or [Path("-")]]
    if paths.count(None) > 1:
        raise ConfigError("standard input, -, can be read only once")
    delimiter = _delimiter(options.delimiter)
    read = ReadOptions(delimiter, options.encoding)
    files = tuple(InputFile(path, _input_format(options, path), read) for path in paths)
    if delimiter and not any(file.format in readers.DELIMITERS for file in files):
        raise ConfigError("--delimiter is for csv and tsv; set the format with --from")
    return files


def _input_format(options: Options, path: Path | None) -> InputFormat:
    if path is not None and is_gzip(path) and path.with_suffix("").suffix:
        path = path.with_suffix("")
    # The other formats are those of documents.
    given = next((one for one in readers.FORMATS if one == options.input_format), None)
    return _format(given, path, readers.SUFFIXES, "text", "--from")


def _delimiter(given: str | None) -> str | None:
    delimiter = "\t" if given == "\\t" else given
    if delimiter is not None and (
        len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'
    ):
        raise ConfigError(
            f"--delimiter {cut(delimiter)!r} must be one ASCII character, or \\t for a tab"
        )
    return delimiter


def _format(
    asked: F | None, path: Path | None, known: Mapping[str, F], default: F, option: str
) -> F:
    """Return the format of a file: the given one, or that of its suffix.

    Raises:
        ConfigError: The suffix is unknown.
    """
    if asked is not None:
        return asked
    if path is None or path == Path("-"):
        return default
    suffix = path.suffix.lower()
    if suffix not in known:
        told = f"no format has the suffix {suffix!r}" if suffix else "the name has no suffix"
        advice = _ADVICE.get((option, suffix), f"Set the format with {option}")
        raise ConfigError(f"{path}: {told}; known are {', '.join(known)}. {advice}")
    return known[suffix]


def _size(task: Task, options: Options) -> WindowSize:
    size = _GENERATIVE if TASKS[task].is_generative else _LOCAL
    if options.url:
        tokens = min(size.batch_tokens, _REQUEST_TOKENS)
        size = replace(size, batch_tokens=tokens, batch_texts=_REQUEST_TEXTS)
    return replace(size, max_entries=options.window or size.max_entries)


@contextmanager
def open_input(
    config: RunConfig, expected: Checkpoint | None = None
) -> Iterator[tuple[Inputs, int | None]]:
    """Yield the records, and how many bytes there are, unless one of the files is a pipe.

    Args:
        config: The run.
        expected: How far the input was read for the output that is resumed.

    Raises:
        DataError: A file cannot be read.
    """
    for file in config.inputs:
        file.check()
    limit = config.spec.max_record_bytes
    yield (
        Inputs(config.inputs, config.columns, limit, config.options.limit, expected),
        total_bytes(config.inputs),
    )


def open_sink(config: RunConfig, fingerprint: Fingerprint) -> AbstractContextManager[Sink]:
    """Return the output.

    Args:
        config: The run.
        fingerprint: What determines its predictions.

    Raises:
        DataError: A file exists, cannot be resumed, or cannot be written.
    """
    options = config.options
    header = rows.header_of(config.spec.task, config.output_format, config.columns)
    if options.out is None:
        sink = Sink(sys.stdout.buffer, config.rejected or sys.stderr.buffer)
        sink.write([], [header])
        return nullcontext(sink)
    rejected = config.rejected
    assert rejected is not None
    return FileSink(
        options.out,
        rejected,
        config.output_format,
        header,
        resumes=options.resume,
        fingerprint=fingerprint,
    )


def open_models(config: RunConfig) -> AbstractContextManager[tuple[Model, Submit]]:
    """Return what predicts: processes of this machine, or a server.

    Raises:
        SeqserveError: It cannot be started or reached.
    """
    options = config.options
    if options.url is None:
        from seqserve.cli.predicting.workers import workers

        return workers(config.spec, options.workers or available_cpus())
    from seqserve.cli.predicting.remote import N_REQUESTS, server
    from seqserve.cli.server_key import read_key
    from seqserve.client import Client

    key = read_key(options.api_key_file)
    client = Client(options.url, api_key=key, timeout_s=options.timeout_s)
    return server(config.spec, client, options.url, options.workers or N_REQUESTS)
