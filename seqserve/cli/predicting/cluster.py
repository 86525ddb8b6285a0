"""`--engine ray`: `seqserve predict` through Ray Data, on a cluster.

Ray reads, distributes, retries and writes. Only this module imports it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any

import orjson
import ray
from ray.data.datasource import BlockBasedFileDatasink

from seqserve.bulk.readers import DELIMITERS, InputFormat, Reader
from seqserve.bulk.records import Columns, Entry, Record, Refusal
from seqserve.cli.predicting.engines import TaskEngines
from seqserve.cli.predicting.run_config import RunConfig
from seqserve.cli.predicting.spec import PredictionSpec
from seqserve.encodings import is_utf8
from seqserve.errors import ConfigError, DataError, SeqserveError, UnavailableError

_BATCH_TEXTS = 128
_ROW = "row"


def run_on_ray(config: RunConfig) -> None:
    """Run on the cluster that RAY_ADDRESS names, or that this machine is part of.

    Raises:
        ConfigError: An option is not available with Ray.
        DataError: The output exists, or the input does not.
        UnavailableError: There is no cluster.
        SeqserveError: Ray gave up, for instance because bundles are missing.
    """
    source, out = _check(config)
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
        predictions = lines.map_batches(
            EngineActor,
            fn_constructor_args=(config.spec, config.inputs[0].format, config.columns),
            batch_size=_BATCH_TEXTS,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=config.options.workers),
        )
        predictions.write_datasink(_Rows(out, file_format="jsonl"))
    except ray.exceptions.RayError as error:  # its last line says what the engine said
        raise SeqserveError(f"Ray gave up: {str(error).strip().splitlines()[-1]}") from None
    finally:
        ray.shutdown()


def _check(config: RunConfig) -> tuple[str, str]:
    """Return the absolute paths of input and output: nodes have their own working directories.

    Raises:
        ConfigError: An option is not available with Ray.
    """
    options = config.options
    path = config.inputs[0].path
    if path is None or len(config.inputs) > 1 or options.out is None:
        raise ConfigError("--engine ray needs one file or folder to read, and a folder with --out")
    if config.inputs[0].format in DELIMITERS or config.output_format != "jsonl":
        raise ConfigError(
            "--engine ray reads text and jsonl, and writes jsonl: set --from and --to"
        )
    refused = {
        "--resume": options.resume,
        "--rejected": options.rejected,
        "--json": options.as_json,
        "--window": options.window,
        "--limit": options.limit,
        "--encoding": not is_utf8(options.encoding),
    }
    for name, value in refused.items():
        if value:
            raise ConfigError(f"{name} is not available with --engine ray")
    return os.path.abspath(path), os.path.abspath(options.out)


class EngineActor:
    """An actor of the cluster: it opens the engines once and predicts batches.

    Args:
        spec: The task and its options; its bundles are on a path that the actor's node sees.
        format: Format of the lines.
        columns: Fields that are read.
    """

    def __init__(self, spec: PredictionSpec, format: InputFormat, columns: Columns) -> None:
        self._engines = TaskEngines(spec)
        self._format = format
        self._columns = columns
        self._max_bytes = spec.max_record_bytes

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Return a row of JSON for every record in some lines."""
        return {_ROW: self.rows(batch["text"])}

    def rows(self, lines: Iterable[str]) -> list[str]:
        """Return the rows, in order; the row of a rejected record has the reason."""
        raw = "".join(f"{line}\n" for line in lines).encode()
        entries = list(Reader(io.BytesIO(raw), self._format, self._columns, self._max_bytes))
        texts = [entry.text for entry in entries if isinstance(entry, Record)]
        outcomes = iter(self._engines.predict(texts))
        return [
            _row(entry, next(outcomes) if isinstance(entry, Record) else entry.why)
            for entry in entries
        ]


def _row(entry: Entry, outcome: Any) -> str:
    kept = entry.beside if isinstance(entry, Record) else {}
    if isinstance(outcome, Refusal):
        outcome = {"code": outcome.code, "message": outcome.message}
    return orjson.dumps({**kept, **outcome}).decode()


class _Rows(BlockBasedFileDatasink):  # type: ignore[misc]
    """Files of one JSON object a line."""

    def write_block_to_file(self, block: Any, file: Any) -> None:
        """Write the rows of one block."""
        for row in block.iter_rows(public_row_format=True):
            file.write(f"{row[_ROW]}\n".encode())
