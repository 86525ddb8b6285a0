"""The translators beside each other on a larger model: random weights, and answers of one length.

What a graph costs beside its matrix products weighs less in a larger model, so the order of the sides may
be another one. Random weights say nothing about quality: only times are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import Comparison, Ratio, compare, ratio
from benchmarks.peer import Peer, PeerSettings, symbols_of
from benchmarks.sides import OURS, PEER
from benchmarks.workplace import Size, Workplace
from seqserve.config import from_mapping
from seqserve.manifest import Precision

if TYPE_CHECKING:
    from model_export.weights import Weights
    from seqserve.models.transformer import Transformer, TransformerConfig
    from seqserve.runtime.translator import OnnxTranslator

N_TOKENS = 25  # of every source, end symbol included, and of every answer, which never ends
_PRECISIONS: tuple[Precision, ...] = ("int8", "fp32")

Sources = Sequence[Sequence[int]]


@dataclass(frozen=True)
class LargerCell:
    """Times of both sides per batch, one core."""

    precision: Precision
    batch: int
    beam: int
    comparison: Comparison

    @property
    def ratio(self) -> Ratio:
        """How many times faster ours is."""
        return ratio(self.comparison, PEER, OURS, "cpu")


@dataclass(frozen=True)
class LargerFigures:
    """All that was found.

    Args:
        shape: Of the model, in words.
        cells: Times.
    """

    shape: str
    cells: tuple[LargerCell, ...]


def measure_larger(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> LargerFigures:
    """Compare the times of both translators with a model of the shape that `size` says."""
    import numpy as np

    from benchmarks.ctranslate import convert
    from model_export.calibration import roundings_while_reading
    from model_export.weights import Weights
    from seqserve.models.transformer import TransformerConfig

    shape = from_mapping(TransformerConfig, size.larger, f"size {size.name}")
    model = _random_model(shape, place.seed)
    config = model.config
    rng = np.random.default_rng(place.seed)
    plain = rng.integers(3, config.vocab_size, (max(size.batches), N_TOKENS - 1))
    sources = np.concatenate([plain, np.full((len(plain), 1), config.end_id)], axis=1)
    cells = []
    for precision in _PRECISIONS:
        known = {} if precision == "fp32" else roundings_while_reading(model, [(sources, sources)])
        ours = _translator(config, Weights.of(model, precision, known))
        path = convert(model, precision, place.scratch / f"larger-{precision}")
        peer = Peer(path, PeerSettings.plain(precision))
        for batch in size.batches:
            for beam in size.beams:
                sides = {
                    OURS: partial(_search, ours, beam),
                    PEER: partial(_peer_search, peer, beam),
                }
                batches = [sources[i : i + batch].tolist() for i in range(0, len(sources), batch)]
                items = batches[: max(1, size.batch_texts // batch)]
                cell = LargerCell(precision, batch, beam, compare(sides, items, size.effort))
                say(f"larger, {precision}, batch {batch}, beam {beam}: {cell.ratio}")
                cells.append(cell)
    return LargerFigures(_in_words(config), tuple(cells))


def _random_model(config: TransformerConfig, seed: int) -> Transformer:
    """Give a model that never ends an answer."""
    import torch

    from seqserve.models.transformer import Transformer

    torch.manual_seed(seed)
    model = Transformer(config).eval()
    with torch.no_grad():
        model.output_bias[config.end_id] = -50
    return model


def _translator(config: TransformerConfig, weights: Weights) -> OnnxTranslator:
    from model_export.parts import translator_graphs
    from seqserve.decode.search import SearchVocabulary
    from seqserve.runtime.session import make_session
    from seqserve.runtime.translation import BANNED_IDS
    from seqserve.runtime.translator import OnnxTranslator

    graphs = translator_graphs(config, weights)
    sessions = {name: make_session(graph.SerializeToString()) for name, graph in graphs.items()}
    vocabulary = SearchVocabulary(config.pad_id, config.end_id, BANNED_IDS)
    return OnnxTranslator(sessions, vocabulary, config.pad_id)


def _search(translator: OnnxTranslator, beam: int, sources: Sources) -> None:
    from seqserve.decode.search import SearchOptions
    from seqserve.runtime.translator import Sentence

    translator.search([Sentence(ids, N_TOKENS, SearchOptions(beam)) for ids in sources])


def _peer_search(peer: Peer, beam: int, sources: Sources) -> None:
    peer.search(symbols_of(sources), N_TOKENS, beam)


def _in_words(config: TransformerConfig) -> str:
    return (
        f"{config.encoder_layers} + {config.decoder_layers} layers, width {config.d_model}, inner "
        f"width {config.ffn_dim}, {config.vocab_size:,} symbols"
    )
