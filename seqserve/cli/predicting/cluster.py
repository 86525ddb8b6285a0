"""`--engine ray`: the answers of `seqserve predict`, through Ray Data on the cluster that is there.

Reading, sending, repeating what fails and writing are Ray's. Only this module imports it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any

import orjson
import ray
from ray.data.datasource import BlockBasedFileDatasink

from seqserve.bulk.readers import InputFormat, Reader
from seqserve.bulk.records import Columns, Entry, Record, Refusal
from seqserve.cli.predicting.answers import Answers
from seqserve.cli.predicting.job import Job
from seqserve.cli.predicting.plan import Plan
from seqserve.errors import ConfigError, DataError, SeqserveError, UnavailableError

_BATCH_TEXTS = 128
_ROW = "row"


def run_on_ray(plan: Plan) -> None:
    """Answer everything on the cluster that RAY_ADDRESS names, or that this machine is in.

    Raises:
        ConfigError: Ray cannot do what the command line says.
        DataError: The output is there, or the input is not.
        UnavailableError: There is no cluster.
        SeqserveError: It gave up, such as where bundles are missing.
    """
    source, out = _check(plan)
    if os.path.lexists(out):
        raise DataError(f"{out} exists: remove it, or name another folder")
    if not os.path.exists(source):
        raise DataError(f"{source} cannot be read: No such file or directory")
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), log_to_driver=False)
    except ConnectionError as error:
        raise UnavailableError(f"there is no Ray cluster: {error}. Set RAY_ADDRESS") from None
    try:
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        lines = ray.data.read_text(source, drop_empty_lines=False)
        answers = lines.map_batches(
            Answering,
            fn_constructor_args=(plan.job, plan.input_format, plan.columns),
            batch_size=_BATCH_TEXTS,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=plan.files.workers),
        )
        answers.write_datasink(_Rows(out, file_format="jsonl"))
    except ray.exceptions.RayError as error:  # its last line says what the engine said
        raise SeqserveError(f"Ray gave up: {str(error).strip().splitlines()[-1]}") from None
    finally:
        ray.shutdown()


def _check(plan: Plan) -> tuple[str, str]:
    """Give input and output, absolute: nodes have working directories of their own.

    Raises:
        ConfigError: Something is asked for that does not go with Ray.
    """
    files = plan.files
    if plan.input is None or files.out is None:
        raise ConfigError("--engine ray needs a file to read, and a folder by --out")
    if plan.input_format == "csv" or plan.output_format != "jsonl":
        raise ConfigError(
            "--engine ray reads text and jsonl, and writes jsonl: say --from and --to"
        )
    refused = {
        "--resume": files.resume,
        "--rejected": files.rejected,
        "--json": files.as_json,
        "--window": files.window,
    }
    for name, value in refused.items():
        if value:
            raise ConfigError(f"{name} does not go with --engine ray")
    return os.path.abspath(plan.input), os.path.abspath(files.out)


class Answering:
    """What an actor of the cluster does: it opens the engines once and answers batches.

    Args:
        job: What is asked; its bundles are on a path that the actor's node sees.
        format: Of the lines.
        columns: Fields that are read.
    """

    def __init__(self, job: Job, format: InputFormat, columns: Columns) -> None:
        self._answers = Answers(job)
        self._format = format
        self._columns = columns
        self._max_bytes = job.settings.max_body_bytes

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Give a row of JSON for every record in some lines."""
        return {_ROW: self.rows(batch["text"])}

    def rows(self, lines: Iterable[str]) -> list[str]:
        """Give the rows, in order; one of a rejected record says why."""
        raw = "".join(f"{line}\n" for line in lines).encode()
        entries = list(Reader(io.BytesIO(raw), self._format, self._columns, self._max_bytes))
        texts = [entry.text for entry in entries if isinstance(entry, Record)]
        outcomes = iter(self._answers.answer(texts))
        return [
            _row(entry, next(outcomes) if isinstance(entry, Record) else entry.why)
            for entry in entries
        ]


def _row(entry: Entry, outcome: Any) -> str:
    kept = entry.beside if isinstance(entry, Record) else {}
    if isinstance(outcome, Refusal):
        outcome = {"code": outcome.code, "message": outcome.message}
    return orjson.dumps({**kept, **outcome}).decode()


class _Rows(BlockBasedFileDatasink):  # type: ignore[misc]  # of Ray, whatever is installed
    """Files of one JSON object a line."""

    def write_block_to_file(self, block: Any, file: Any) -> None:
        """Write the rows of one block."""
        for row in block.iter_rows(public_row_format=True):
            file.write(f"{row[_ROW]}\n".encode())
