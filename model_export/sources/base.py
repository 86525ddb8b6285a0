"""What the pipeline needs of a model to export, wherever the model comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import Protocol

from model_export.parts.base import Parts
from seqserve.evaluation.held_out import HeldOut
from seqserve.evaluation.report import Report
from seqserve.manifest import DataSource, Description, Origin, Precision
from seqserve.runtime.engine import Engine
from seqserve.tasks import Task


@dataclass(frozen=True)
class Identity:
    """The fields of a manifest that a source decides.

    Args:
        name: Of the bundle.
        version: Of the bundle.
        task: The task.
        languages: One, or source and target.
        licence: Of the weights.
        tools: Libraries that made the bundle.
        origin: Of an imported model; None: it was trained here.
    """

    name: str
    version: str
    task: Task
    languages: tuple[str, ...]
    licence: str
    tools: tuple[str, ...]
    origin: Origin | None = None


class Source(Protocol):
    """A model to export, its provenance, and how it is evaluated."""

    @property
    def identity(self) -> Identity:
        """The fields of the manifest that the source decides; asked after `parts`."""

    def parts(self, precision: Precision) -> Parts:
        """Load the model and export its graphs, compared with the model in torch.

        Raises:
            ExportError: The graphs produce other results, or the architecture does not have this precision.
            ConfigError: The source is not what its description says.
        """

    def data(self) -> Iterable[DataSource]:
        """Return every data set that the model was made with, once."""

    def evaluate(self, engine: Engine) -> Report:
        """Measure an engine on the test sets of the model."""

    def accept_int8(self, changes: Mapping[str, float]) -> None:
        """Judge what int8 costs.

        Args:
            changes: Metric of a data set -> int8 minus fp32.

        Raises:
            ExportError: It costs too much.
        """

    def fit(self, engine: Engine) -> HeldOut:
        """Calibrate the scores of an engine on held-out sets, and choose its thresholds."""

    def records(self) -> dict[str, bytes]:
        """Return the files of the bundle that record how the model was made, by name."""

    def card(self, description: Description, report: Report, bundle: str) -> str:
        """Return the model card.

        Args:
            description: The manifest, metrics included.
            report: The evaluation on the test sets.
            bundle: Path of the bundle, as typed from the working directory.
        """


def describe(source: Source, parts: Parts, precision: Precision) -> Description:
    """Return the manifest of a bundle without metrics."""
    identity = source.identity
    return Description(
        name=identity.name,
        version=identity.version,
        task=identity.task,
        languages=identity.languages,
        labels=parts.labels,
        precision=precision,
        limits=parts.limits,
        data=tuple(source.data()),
        licence=identity.licence,
        metrics={},
        tools={tool: version(tool).partition("+")[0] for tool in identity.tools},
        created=date.today().isoformat(),
        thresholds=parts.thresholds,
        pairs=parts.pairs,
        score_kind=parts.score_kind,
        origin=identity.origin,
    )
