"""What `seqserve predict` is going to do: formats, files, limits and workers, settled at the start."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from cli.predicting.job import Job, Model, check_options
from cli.predicting.options import Files
from seqserve.bulk import readers, rows
from seqserve.bulk.readers import InputFormat, Reader
from seqserve.bulk.records import Columns, columns_of
from seqserve.bulk.rows import OutputFormat
from seqserve.bulk.run import Submit
from seqserve.bulk.sink import FileSink, Sink
from seqserve.bulk.windows import WindowSize
from seqserve.cpus import available_cpus
from seqserve.errors import ConfigError, DataError
from seqserve.tasks import Task
from service.settings import load_settings

F = TypeVar("F")

_HERE = WindowSize()
_TRANSLATING = WindowSize(
    512, 100_000, _HERE.batch_tokens // 4, 64
)  # a text has four beams, and takes long
_REQUEST_TOKENS, _REQUEST_TEXTS = 2048, 32  # well within a server's limits


@dataclass(frozen=True)
class Plan:
    """A run of `seqserve predict`.

    Args:
        job: What is asked of every text.
        files: The command line.
        input_format: Of what is read.
        output_format: Of what is written.
        columns: Fields that are read.
        size: Of windows and batches.
    """

    job: Job
    files: Files
    input_format: InputFormat
    output_format: OutputFormat
    columns: Columns
    size: WindowSize

    @property
    def rejected(self) -> Path | None:
        """The file of what is rejected; None is standard error."""
        if self.files.rejected is None and self.files.out is not None:
            return Path(f"{self.files.out}.rejected.jsonl")
        return self.files.rejected

    @property
    def input(self) -> Path | None:
        """The file that is read; None is standard input."""
        return None if self.files.input == Path("-") else self.files.input


def make_plan(task: Task, files: Files, asked: Mapping[str, Any]) -> Plan:
    """Settle everything.

    Args:
        task: What is asked.
        files: The command line.
        asked: Options of the task that are set, by their names in the API.

    Raises:
        ConfigError: It does not fit together.
    """
    _check_files(files)
    settings = load_settings()
    if files.bundles is not None:
        settings = settings.model_copy(update={"bundles_dir": files.bundles})
    job = Job(task, asked, settings)
    check_options(job)
    input_format = _format(files.input_format, files.input, readers.SUFFIXES, "text", "--from")
    output_format = _format(files.output_format, files.out, rows.SUFFIXES, "jsonl", "--to")
    columns = columns_of(files.field, files.keep or (), rows.fields_of(task, output_format))
    rows.check_output(task, output_format, asked, columns)
    return Plan(job, files, input_format, output_format, columns, _size(task, files))


def _check_files(files: Files) -> None:
    if files.resume and files.out is None:
        raise ConfigError("--resume needs --out: what went to standard output is gone")
    if files.as_json and files.out is None:
        raise ConfigError("--json needs --out: standard output is for the answers")
    if files.url and files.engine == "ray":
        raise ConfigError("--url and --engine ray: choose one")
    if files.out is not None and files.out == files.rejected:
        raise ConfigError(f"--out and --rejected are the same file, {files.out}")


def _format(
    asked: F | None, path: Path | None, known: Mapping[str, F], default: F, option: str
) -> F:
    """Give the format of a file: what was asked for, or what its suffix says.

    Raises:
        ConfigError: Its suffix says nothing.
    """
    if asked is not None:
        return asked
    if path is None or path == Path("-"):
        return default
    if path.suffix not in known:
        raise ConfigError(
            f"{path}: the suffix {path.suffix!r} names no format; there are {', '.join(known)}. "
            f"Say {option}"
        )
    return known[path.suffix]


def _size(task: Task, files: Files) -> WindowSize:
    size = _TRANSLATING if task == "translation" else _HERE
    if files.url:
        tokens = min(size.batch_tokens, _REQUEST_TOKENS)
        size = replace(size, batch_tokens=tokens, batch_texts=_REQUEST_TEXTS)
    return replace(size, max_entries=files.window or size.max_entries)


@contextmanager
def open_input(plan: Plan) -> Iterator[tuple[Reader, int | None]]:
    """Give the records, and how many bytes there are, if it is a file.

    Raises:
        DataError: It cannot be read.
    """
    limit = plan.job.settings.max_body_bytes
    path = plan.input
    try:
        stream = sys.stdin.buffer if path is None else path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    with nullcontext(stream) if path is None else stream:
        reader = Reader(stream, plan.input_format, plan.columns, limit)
        yield reader, path.stat().st_size if path and path.is_file() else None


def open_sink(plan: Plan) -> AbstractContextManager[Sink]:
    """Give where answers go.

    Raises:
        DataError: A file is in the way, or is no output that could be gone on with, or cannot be written.
    """
    header = rows.header_of(plan.job.name, plan.output_format, plan.columns)
    if plan.files.out is None:
        sink = Sink(sys.stdout.buffer, plan.rejected or sys.stderr.buffer)
        sink.write([], [header])
        return nullcontext(sink)
    rejected = plan.rejected
    assert rejected is not None
    return FileSink(plan.files.out, rejected, plan.output_format, header, resumes=plan.files.resume)


def open_models(plan: Plan) -> AbstractContextManager[tuple[Model, Submit]]:
    """Give what answers: processes of this machine, or a server.

    Raises:
        SeqserveError: It cannot.
    """
    files = plan.files
    if files.url is None:
        from cli.predicting.workers import workers

        return workers(plan.job, files.workers or available_cpus())
    from cli.predicting.remote import N_REQUESTS, server
    from cli.server_key import read_key
    from seqserve.client import Client

    client = Client(files.url, api_key=read_key(files.api_key_file), timeout_s=files.timeout_s)
    return server(plan.job, client, files.url, files.workers or N_REQUESTS)
