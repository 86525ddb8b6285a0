"""Whether an output may be begun or resumed: nothing is overwritten, and no two runs that differ are joined."""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

from seqserve.bulk.fingerprint import Checkpoint, Fingerprint, RunFile
from seqserve.bulk.inputs import verify
from seqserve.bulk.sink import require_absent
from seqserve.cli.predicting.run_config import RunConfig
from seqserve.cli.predicting.spec import Model
from seqserve.records import api_fields
from seqserve.tasks import TASKS


def fingerprint_of(config: RunConfig, model: Model | None = None) -> Fingerprint:
    """Return what determines the predictions of a run, besides the texts.

    Workers, windows, limits and who predicts may differ: they do not change what is predicted. The model counts
    as what it is, whether it was named or chosen.
    """
    defaults = {
        one.name: one.default
        for one in api_fields(TASKS[config.spec.task].item)
        if one.default is not MISSING
    }
    files = [str(file.path or "-") for file in config.inputs] if config.columns.with_file else []
    run: dict[str, Any] = {
        "task": config.spec.task,
        "input formats": sorted({file.format for file in config.inputs}),
        "delimiters": sorted({file.delimiter for file in config.inputs if file.delimiter}),
        "field": config.columns.text,
        "files": files,
        "output format": config.output_format,
        "kept fields": dict(config.columns.beside),
    }
    options = {name: value for name, value in config.spec.options.items() if name != "model"}
    chosen = {name: _without_order(value) for name, value in options.items()}
    return Fingerprint(
        {name: value for name, value in run.items() if value},
        {**defaults, **chosen},
        {"name": model.name, "version": model.version, "sha256": model.sha256} if model else {},
    )


def _without_order(value: Any) -> Any:
    return sorted(set(value)) if isinstance(value, list | tuple) else value


def begin(config: RunConfig) -> Checkpoint | None:
    """Check the output before models are loaded.

    Returns:
        How far the input was read for the output that is resumed; None if there is none.

    Raises:
        DataError: The output exists and is not to be resumed, or was made by a run that differs, or of
            another input.
    """
    out, rejected = config.options.out, config.rejected
    if out is None or rejected is None:
        return None
    if not config.options.resume:
        require_absent(out, rejected)
        return None
    if not _has_rows(config):
        return None
    file = RunFile(out)
    before, checkpoint = file.read()
    file.compare(before, fingerprint_of(config))
    verify(config.inputs, config.spec.max_record_bytes, checkpoint)
    return checkpoint


def require_model(config: RunConfig, fingerprint: Fingerprint) -> None:
    """Check that the model is that of the output that is resumed.

    Raises:
        DataError: It is another one.
    """
    if config.options.out is not None and config.options.resume and _has_rows(config):
        file = RunFile(config.options.out)
        file.compare(file.read()[0], fingerprint)


def _has_rows(config: RunConfig) -> bool:
    out = config.options.out
    return out is not None and out.is_file() and out.stat().st_size > 0
