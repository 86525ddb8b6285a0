"""The pipeline knows nothing of runs: any source that satisfies the protocol becomes a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from model_export.checkpoints.encoder_parts import ARCHITECTURE as IMPORTED
from model_export.parts.base import Parts
from model_export.parts.exporters import EXPORTERS
from model_export.pipeline import export
from model_export.sources.base import Identity, Source
from model_export.sources.run import RunSource
from seqserve.evaluation.held_out import HeldOut
from seqserve.evaluation.report import Report
from seqserve.manifest import DataSource, Description, Precision
from seqserve.models.architectures import ARCHITECTURES
from seqserve.runtime import check_golden, open_engine
from seqserve.runtime.engine import Engine
from seqserve.runtime.openers import OPENERS
from seqserve.tasks import ANY_ARCHITECTURE, TASKS
from tests.tiny import TinyProject


class Borrowed:
    """A model without a recipe, a run or data of its own."""

    def __init__(self, lender: RunSource) -> None:
        self._lender = lender

    @property
    def identity(self) -> Identity:
        return Identity("borrowed", "3.1", "sentiment", ("en",), "MIT", ("onnx",))

    def parts(self, precision: Precision) -> Parts:
        return self._lender.parts(precision)

    def data(self) -> Iterable[DataSource]:
        return ()

    def accept_int8(self, changes: Mapping[str, float]) -> None:
        pass

    def fit(self, engine: Engine) -> HeldOut:
        return HeldOut()

    def evaluate(self, engine: Engine) -> Report:
        return Report(*("borrowed", "3.1", "sentiment", "fp32", "", "test", 1, {}), sets=())

    def records(self) -> dict[str, bytes]:
        return {"origin.txt": b"a friend\n"}

    def card(self, description: Description, report: Report, bundle: str) -> str:
        return f"# {description.name} in {Path(bundle).name}\n"


def test_a_source_needs_no_run(tiny: TinyProject, tmp_path: Path) -> None:
    lender = RunSource(tiny.recipes["sentiment"], tiny.run("sentiment"), tiny.data)
    source: Source = Borrowed(lender)
    bundle = export(source, tmp_path / "bundle", reports=tmp_path / "reports")
    manifest = bundle.manifest
    assert (manifest.name, manifest.version, manifest.licence) == ("borrowed", "3.1", "MIT")
    assert manifest.data == () and list(manifest.metrics) == ["torch_max_difference"]
    assert bundle.file("origin.txt").read_bytes() == b"a friend\n"
    assert bundle.file("MODEL_CARD.md").read_text() == "# borrowed in bundle\n"
    assert "recipe.json" not in manifest.files
    assert (tmp_path / "reports" / "borrowed" / "evaluation.json").exists()
    check_golden(open_engine(bundle.path))


@pytest.mark.parametrize("task", TASKS)
def test_every_architecture_has_an_exporter_and_an_opener(task: str) -> None:
    for table in (EXPORTERS, OPENERS):
        rows = {architecture for of, architecture in table if of == task}
        assert ANY_ARCHITECTURE in rows
        (spec,) = (spec for spec in TASKS.values() if spec.name == task)
        assert rows - {ANY_ARCHITECTURE, IMPORTED} <= ARCHITECTURES[spec.name].keys()
