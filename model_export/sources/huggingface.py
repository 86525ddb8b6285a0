"""A checkpoint directory as the source of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from model_export.cards.imported import ImportFacts, import_card
from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.directory import checkpoint_name
from model_export.checkpoints.readme import Readme, read_readme
from model_export.checkpoints.table import family_of
from model_export.int8.cost import too_costly
from model_export.memory import release_memory
from model_export.parts.base import Parts
from model_export.sources.base import Identity, describe
from model_export.sources.draft import write_draft
from seqserve.bundle import Bundle
from seqserve.errors import CheckpointError
from seqserve.evaluation.held_out import HeldOut
from seqserve.evaluation.labelled_files import evaluate_files
from seqserve.evaluation.report import Report
from seqserve.manifest import DataSource, Description, Origin, Precision
from seqserve.runtime.engine import Engine, open_engine
from seqserve.runtime.openers import Predictor
from seqserve.tasks import Task
from seqserve.text.languages import MANY_LANGUAGES

UNKNOWN_LICENCE = "unknown"
_TOOLS = ("numpy", "onnx", "onnxruntime", "safetensors", "tokenizers")
_REFERENCE_TOOLS = ("torch", "transformers")


@dataclass(frozen=True)
class ImportRequest:
    """What the user says about an import.

    Args:
        name: Of the bundle.
        version: Of the bundle.
        licence: Of the weights; empty: that of the checkpoint's README.
        options: How the checkpoint is converted.
        checks: Files of labelled data on which the bundle is measured.
    """

    name: str
    version: str
    licence: str = ""
    options: ImportOptions = field(default_factory=ImportOptions)
    checks: tuple[Path, ...] = ()


class CheckpointSource:
    """A checkpoint, what its user says about it, and what the import found."""

    def __init__(
        self, checkpoint: Checkpoint, request: ImportRequest, tell: Callable[[str], None]
    ) -> None:
        """Name the source; nothing is converted yet.

        Args:
            checkpoint: The weights.
            request: What is made of them.
            tell: Takes a few words about every step when it begins.
        """
        self._checkpoint, self._request, self._tell = checkpoint, request, tell
        self._identity: Identity | None = None
        self.warnings: list[str] = []
        self.difference: float | None = None

    @cached_property
    def _readme(self) -> Readme:
        return read_readme(self._checkpoint)

    @property
    def identity(self) -> Identity:
        """What the request and the checkpoint say; known after `parts`."""
        assert self._identity is not None, "parts() comes first"
        return self._identity

    def parts(self, precision: Precision) -> Parts:
        """Convert the checkpoint, compared with transformers where that is installed.

        Raises:
            CheckpointError: The checkpoint cannot be imported.
            ExportError: The graphs produce other results than transformers.
        """
        family = family_of(self._checkpoint)
        options = self._request.options
        if not family.is_translator and not options.languages:
            options = replace(options, languages=self._readme.languages)
        self._tell(f"convert {self._checkpoint.family}")
        exact = family.convert(self._checkpoint, replace(options, precision="fp32", calibration=()))
        languages = exact.languages or options.languages
        self._warn(exact)
        self._identity = self._identify(exact.task, languages)
        has_reference = self._has_reference()
        if precision == "fp32" and not has_reference:
            return self._to_parts(exact, None)
        with TemporaryDirectory() as scratch:
            parts = self._to_parts(exact, None)
            # What is compared with transformers, and in int8 the reference as well.
            draft = write_draft(parts, describe(self, parts, "fp32"), Path(scratch))
            del exact  # every large thing is held once: a checkpoint may be of gigabytes
            if precision == "fp32":
                self._compare(family.compare, draft)
                return replace(parts, worst_difference=self.difference)
            del parts
            release_memory()
            if has_reference:
                self._compare(family.compare, draft)
                release_memory()
            self._tell(f"quantize to {precision}")
            quantized = family.convert(self._checkpoint, replace(options, precision=precision))
            self._checkpoint = replace(self._checkpoint, tensors={})
            release_memory()
            reference = open_engine(draft.path)
        self._warn(quantized)
        return self._to_parts(quantized, reference)

    def _identify(self, task: Task, languages: tuple[str, ...]) -> Identity:
        """Return the identity of the bundle.

        Raises:
            CheckpointError: Its languages are unknown.
        """
        if not languages:
            raise CheckpointError(
                f"{self._checkpoint.path} does not say its languages (`language` in the front matter of "
                f"README.md): name them, as in --languages en; use {MANY_LANGUAGES} for a model of "
                "many languages"
            )
        request, checkpoint = self._request, self._checkpoint
        licence = request.licence or self._readme.licence
        if not licence:
            self.warnings.append(
                "the licence of the weights is unknown: the README.md of the checkpoint does not say it. Name "
                "it with --licence"
            )
        origin = Origin(
            "hugging-face",
            checkpoint_name(checkpoint.path),
            checkpoint.family,
            dict(sorted(checkpoint.sha256.items())),
        )
        return Identity(
            request.name,
            request.version,
            task,
            languages,
            licence or UNKNOWN_LICENCE,
            _TOOLS,
            origin,
        )

    def _warn(self, converted: Converted) -> None:
        self.warnings += [one for one in converted.warnings if one not in self.warnings]

    def _has_reference(self) -> bool:
        """Return whether transformers is installed; if not, warn that nothing is compared with it."""
        try:
            import torch  # noqa: F401
            import transformers  # noqa: F401
        except ImportError:
            self.warnings.append(
                "the answers were not compared with those of transformers, which is not installed here "
                "(`make install` does)"
            )
            return False
        return True

    def _compare(self, compare: Callable[[Checkpoint, Bundle], float], draft: Bundle) -> None:
        """Record the largest difference from transformers, which is installed."""
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._tell("compare with transformers")
        self.difference = compare(self._checkpoint, draft)
        self._identity = replace(self.identity, tools=(*_TOOLS, *_REFERENCE_TOOLS))

    def _to_parts(self, converted: Converted, reference: Predictor | None) -> Parts:
        return Parts(
            graphs=converted.graphs,
            weights=converted.weights,
            config=converted.config,
            reference=reference,
            worst_difference=self.difference,
            labels=converted.labels,
            limits=converted.limits,
            files=converted.files,
            pairs=converted.pairs,
            score_kind=converted.score_kind,
            thresholds=converted.thresholds,
            golden=converted.golden,
        )

    def data(self) -> Iterator[DataSource]:
        """Yield nothing: what the weights were trained on is the checkpoint's to say."""
        yield from ()

    def evaluate(self, engine: Engine) -> Report:
        """Measure an engine on the files of the request."""
        if self._request.checks:
            self._tell("measure")
        return evaluate_files(engine, self._request.checks)

    def accept_int8(self, changes: Mapping[str, float]) -> None:
        """Warn of metrics that lost much; the user decides."""
        self.warnings += [
            f"{cost}; --precision fp32 keeps the quality, --calibrate may raise it"
            for cost in too_costly(changes)
        ]

    def fit(self, engine: Engine) -> HeldOut:
        """Fit nothing."""
        return HeldOut()

    def records(self) -> dict[str, bytes]:
        """Return nothing: how the model was made is not known."""
        return {}

    def card(self, description: Description, report: Report, bundle: str) -> str:
        """Return the model card."""
        facts = ImportFacts(self.difference, tuple(self.warnings), bundle)
        return import_card(description, report, facts)
