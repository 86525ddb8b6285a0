"""The translators on the tiny models: that both sides compute the same is what the benchmark stands on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.models import translation
from benchmarks.models.sides import encode, rewrite, sides_of
from benchmarks.models.translators import (
    OURS,
    Ours,
    Peer,
    PeerSettings,
    symbols_of,
    tokens_of,
)
from benchmarks.tools.workspace import Workspace
from model_export.sources.restore import restore_translator
from seqserve.bundle import load_bundle
from tests.benchmarks.models.made_up import TINY
from tests.tiny import TinyProject


@pytest.fixture(scope="module")
def space(tiny: TinyProject, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """With a translator that is int8."""
    folder = tmp_path_factory.mktemp("bundles")
    rewrite(tiny.made["translation"], "int8", folder / "translate-tiny")
    return Workspace(folder, tiny.data, tmp_path_factory.mktemp("scratch"))


def test_both_precisions_have_the_same_weights(space: Workspace) -> None:
    assert list(sides_of(space)) == ["int8", "fp32"]
    bundle = space.bundle("translation")
    exact = load_bundle(sides_of(space)["fp32"].ours)
    assert (bundle.manifest.precision, exact.manifest.precision) == ("int8", "fp32")
    pairs = zip(
        restore_translator(bundle).parameters(),
        restore_translator(exact).parameters(),
        strict=True,
    )
    assert all(np.array_equal(a.detach(), b.detach()) for a, b in pairs)


def test_an_fp32_bundle_has_no_int8_side(tiny: TinyProject, tmp_path: Path) -> None:
    space = Workspace(tiny.bundles, tiny.data, tmp_path)
    assert list(sides_of(space)) == ["fp32"]
    assert sides_of(space)["fp32"].ours == tiny.bundle("translation").resolve()


@pytest.mark.slow
def test_every_cell_is_timed(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "available_cpus", lambda: 1)
    said: list[str] = []
    found = translation.measure_translation(space, replace(TINY, batches=(4,)), said.append)
    assert [cell.cell.precision for cell in found.cells] == ["int8", "fp32"]
    for cell in found.cells:
        assert cell.ratio.value > 0 and cell.tokens_per_s(OURS) > 0
        assert cell.tuning.n_tried >= 5
    assert found.cells[1].timed.same_share == 1  # in fp32 both sides compute the same
    assert len(said) == 2


def test_threads_and_settings_change_no_tokens(space: Workspace) -> None:
    sources = encode(
        space.bundle("translation"), ["Read the file 5.", "Delete the list.", "Close it"] * 3
    )
    exact = sides_of(space)["fp32"]
    one, two = (Ours(exact.ours, n).search(sources, 2) for n in (1, 2))
    assert one == two
    settings = PeerSettings("float32", inter_threads=2, max_batch_size=2)
    theirs = Peer(exact.peer, settings).search(symbols_of(sources), 2)
    assert theirs == symbols_of(list(map(tokens_of, one)))
