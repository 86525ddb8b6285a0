from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.models.opus_size import (
    OPUS_MT,
    SOURCE_TOKENS,
    draw_sources,
    measure_opus_size,
    random_sides,
)
from benchmarks.models.translators import Ours, Peer, PeerSettings, symbols_of, tokens_of
from benchmarks.tools.workspace import Workspace
from tests.benchmarks.models.made_up import TINY
from tests.tiny import TinyProject

SMALL = replace(
    OPUS_MT, vocab_size=90, d_model=32, heads=4, encoder_layers=2, decoder_layers=2, ffn_dim=64
)


def test_sources() -> None:
    sources = draw_sources(200, 90, seed=0)
    assert {len(source) for source in sources} == set(range(SOURCE_TOKENS[0], SOURCE_TOKENS[1] + 1))
    assert all(source[-1] == OPUS_MT.end_id for source in sources)
    ids = {i for source in sources for i in source[:-1]}
    assert ids == set(range(3, 90))
    assert draw_sources(200, 90, seed=0) == sources != draw_sources(200, 90, seed=1)


def test_both_sides_have_the_same_weights(tiny: TinyProject, tmp_path: Path) -> None:
    """In int8 a near tie may fall otherwise, so most answers are equal, not all."""
    sides = random_sides(Workspace(tiny.bundles, tiny.data, tmp_path), SMALL)
    sources = draw_sources(40, SMALL.vocab_size, seed=0)
    ours = symbols_of(list(map(tokens_of, Ours(sides.ours).search(sources, 1))))
    theirs = Peer(sides.peer, PeerSettings.plain("int8")).search(symbols_of(sources), 1)
    n_equal = sum(a[0] == b[0] for a, b in zip(ours, theirs, strict=True))
    assert n_equal >= 30


@pytest.mark.slow
def test_cells(tiny: TinyProject, tmp_path: Path) -> None:
    space = Workspace(tiny.bundles, tiny.data, tmp_path)
    found = measure_opus_size(space, replace(TINY, batches=(4,)), print, SMALL)
    assert [(r.cell.precision, r.cell.batch, r.cell.threads) for r in found.cells] == [
        ("int8", 4, 1)
    ]
    assert found.cells[0].ratio.value > 0
