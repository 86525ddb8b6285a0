"""What the pipeline needs of a model to export, wherever the model comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from model_export.parts.base import Parts
from seqserve.evaluation.held_out import HeldOut
from seqserve.evaluation.report import Report
from seqserve.manifest import DataSource, Description, Precision
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
    """

    name: str
    version: str
    task: Task
    languages: tuple[str, ...]
    licence: str


class Source(Protocol):
    """A model to export, its provenance, and how it is evaluated."""

    @property
    def identity(self) -> Identity:
        """The fields of the manifest that the source decides."""

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
