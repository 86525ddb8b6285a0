"""The translators beside each other on a larger model: random weights, and answers of one length.

The share of the matrix products grows with the model, so the order of the sides may change. Random weights
have no quality: only times are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.models.size import Size
from benchmarks.models.texts import batches_of
from benchmarks.models.translators import OURS, PEER, Ours, Peer, PeerSettings, time_both
from benchmarks.tools.timing import Comparison, Ratio
from benchmarks.tools.workspace import Report, Workspace
from seqserve.config import from_mapping
from seqserve.manifest import Precision
from seqserve.text.subwords import SPECIALS

if TYPE_CHECKING:
    from seqserve.models.transformer import Transformer, TransformerConfig

N_TOKENS = 25  # of every source, end symbol included, and of every answer, which never ends
_PRECISIONS: tuple[Precision, ...] = ("int8", "fp32")


@dataclass(frozen=True)
class LargerCell:
    """Times of both sides per batch, one core."""

    precision: Precision
    batch: int
    beam: int
    comparison: Comparison

    @property
    def ratio(self) -> Ratio:
        """Return how many times faster ours is."""
        return self.comparison.ratio(PEER, OURS, "cpu")


@dataclass(frozen=True)
class LargerResult:
    """The shape of the model in words, and all cells."""

    shape: str
    cells: tuple[LargerCell, ...]


def measure_larger(space: Workspace, size: Size, report: Report) -> LargerResult:
    """Compare the times of both translators with a model of the shape that `size` names."""
    import numpy as np

    from benchmarks.models.ctranslate import convert
    from model_export.checks.parity import graph_search
    from model_export.exporters.graphs.weights import Weights
    from model_export.int8.calibration import calibrate
    from model_export.parts.fast_paths import translator_graphs
    from seqserve.models.transformer import TransformerConfig

    model = random_model(from_mapping(TransformerConfig, size.larger, size.name), space.seed)
    config, rng = model.config, np.random.default_rng(space.seed)
    plain = rng.integers(3, config.vocab_size, (max(size.batches), N_TOKENS - 1))
    sources = np.concatenate([plain, np.full((len(plain), 1), config.end_id)], axis=1)
    cells = []
    for precision in _PRECISIONS:
        known = {} if precision == "fp32" else calibrate(model, [(sources, sources)])
        graphs = translator_graphs(config, Weights.of(model, precision, known), SPECIALS.banned)
        ours = Ours(graph_search(graphs, SPECIALS, n_workers=1))
        path = convert(model, precision, space.scratch / f"larger-{precision}")
        peer = Peer(path, PeerSettings.plain(precision))
        for batch, beam in ((batch, beam) for batch in size.batches for beam in size.beams):
            batches = [tuple(map(tuple, rows)) for rows in batches_of(sources.tolist(), batch)]
            limits = [N_TOKENS] * len(batches)
            found = time_both(ours, peer, batches, limits, beam, size.budget)
            cells.append(LargerCell(precision, batch, beam, found.comparison))
            report(f"larger, {precision}, batch {batch}, beam {beam}: {cells[-1].ratio}")
    shape = (
        f"{config.encoder_layers} + {config.decoder_layers} layers, width {config.d_model}, inner "
        f"width {config.ffn_dim}, {config.vocab_size:,} symbols"
    )
    return LargerResult(shape, tuple(cells))


def random_model(config: TransformerConfig, seed: int) -> Transformer:
    """Build a model that never ends an answer."""
    import torch

    from seqserve.models.transformer import Transformer

    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        model.output_bias[config.end_id] = -50
    return model
