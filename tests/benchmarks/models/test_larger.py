"""The larger model: both sides write answers of the wanted length, and every cell is timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.models.larger import N_TOKENS, measure_larger, random_model
from benchmarks.models.suite import larger_lines
from benchmarks.tools.workspace import Workspace
from model_export.checks.parity import graph_search
from model_export.exporters.graphs.weights import Weights
from model_export.parts.fast_paths import translator_graphs
from seqserve.config import from_mapping
from seqserve.decode.search import SearchOptions
from seqserve.models.transformer import TransformerConfig
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS
from tests.benchmarks.models.made_up import TINY


@pytest.mark.parametrize("beam", [1, 4])
def test_answers_never_end(beam: int) -> None:
    model = random_model(from_mapping(TransformerConfig, TINY.larger, "tiny"), 0)
    search = graph_search(
        translator_graphs(model.config, Weights.of(model), SPECIALS.banned), SPECIALS
    )
    sentence = SearchRequest([7, 8, 1], N_TOKENS, SearchOptions(beam))
    search([sentence])
    assert len(sentence.best[0].tokens) == N_TOKENS
    assert not sentence.best[0].is_finished


@pytest.mark.slow
def test_every_cell_is_timed(tmp_path: Path) -> None:
    figures = measure_larger(Workspace(tmp_path, tmp_path, tmp_path), TINY, print)
    assert [(c.precision, c.batch, c.beam) for c in figures.cells] == [
        (precision, batch, beam)
        for precision in ("int8", "fp32")
        for batch in TINY.batches
        for beam in TINY.beams
    ]
    assert all(cell.ratio.value > 0 for cell in figures.cells)
    lines = list(larger_lines(figures))
    assert lines[0].startswith("1 + 1 layers, width 32, inner width 48, 90 symbols;")
    assert len(lines) == 4 + len(figures.cells)
