"""The search graphs find what the search on torch finds, and a sentence's batch mates change no bit of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from model_export.checks.parity import graph_search
from model_export.checks.torch_reference import torch_search
from model_export.exporters.graphs.translator import translator_graphs
from model_export.exporters.graphs.weights import InputQuantization, Weights
from model_export.int8.calibration import calibrate
from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import Activation, TransformerConfig
from seqserve.runtime.search_request import Search, SearchRequest
from seqserve.text.batching import pad
from seqserve.text.subwords import SPECIALS

END = 1
LONG = 40
RAGGED = (1, 2, 3, 5, 9, 12, 17, 33)  # source tokens, end symbol included


def model_of(activation: Activation = "relu") -> Transformer:
    """A model whose hypotheses differ from source to source and end at many lengths."""
    torch.manual_seed(7)
    config = TransformerConfig(
        400, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48, activation=activation
    )
    model = Transformer(config).eval()
    with torch.no_grad():
        model.shared.weight.mul_(0.6)  # or every token would call for itself again
        for layer in model.decoder_layers:
            for part in (
                layer.encoder_attn.q_proj,
                layer.encoder_attn.k_proj,
                layer.self_attn.q_proj,
            ):
                part.weight.mul_(4)
            layer.encoder_attn.out_proj.weight.mul_(3)
            layer.fc2.weight.mul_(3)
        model.decoder_layers[-1].final_layer_norm.weight.mul_(1.75)
        model.output_bias[END] = 2.6
    return model


def roundings_of(
    model: Transformer, sources: Sequence[Sequence[int]]
) -> dict[str, InputQuantization]:
    source, _ = pad(sources)
    target = np.random.default_rng(0).integers(2, 400, (len(sources), 12))
    return calibrate(model, [(source, target)])


def search_of(model: Transformer, weights: Weights) -> Search:
    return graph_search(
        translator_graphs(model.config, weights, SPECIALS.banned),
        SPECIALS,
        n_workers=1,
    )


def sources_of(lengths: Sequence[int], seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [[*rng.integers(3, 400, n - 1).tolist(), END] for n in lengths]


def found_by(
    search: Search,
    sources: Sequence[Sequence[int]],
    max_tokens: Sequence[int],
    options: SearchOptions,
) -> list[list[Hypothesis]]:
    pairs = zip(sources, max_tokens, strict=True)
    sentences = [SearchRequest(ids, limit, options) for ids, limit in pairs]
    search(sentences)
    assert all(sentence.is_done for sentence in sentences)
    return [sentence.best for sentence in sentences]


@pytest.fixture(scope="module")
def model() -> Transformer:
    return model_of()


@pytest.fixture(scope="module")
def graphs(model: Transformer) -> Search:
    return search_of(model, Weights.of(model))


@pytest.fixture(scope="module", params=["static", "per row"])
def int8_graphs(model: Transformer, request: pytest.FixtureRequest) -> Search:
    roundings = roundings_of(model, sources_of(RAGGED)) if request.param == "static" else None
    return search_of(model, Weights.of(model, "int8", roundings))


def assert_same(expected: list[list[Hypothesis]], actual: list[list[Hypothesis]]) -> None:
    def answers(found: list[list[Hypothesis]]) -> list[list[tuple[tuple[int, ...], bool]]]:
        return [[(h.tokens, h.is_finished) for h in of_one] for of_one in found]

    assert answers(actual) == answers(expected)
    for name in ("score", "log_prob"):
        right, given = (
            [getattr(h, name) for of_one in side for h in of_one] for side in (expected, actual)
        )
        np.testing.assert_allclose(given, right, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("length_penalty", [0, 1, 2])
@pytest.mark.parametrize("beam_size", range(1, 9))
def test_the_graphs_find_what_the_search_on_torch_finds(
    model: Transformer, graphs: Search, beam_size: int, length_penalty: float
) -> None:
    options = SearchOptions(beam_size, length_penalty, beam_size)
    sources, limits = sources_of(RAGGED, seed=beam_size), [LONG] * len(RAGGED)
    expected = found_by(torch_search(model, SPECIALS), sources, limits, options)
    assert_same(expected, found_by(graphs, sources, limits, options))


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param([1] * 8, id="one token"),
        pytest.param([2] * 8, id="two tokens"),
        pytest.param([4] * 8, id="short"),
        pytest.param([1, 40, 2, 7, 1, 30, 3, 5], id="each its own"),
    ],
)
@pytest.mark.parametrize("beam_size", [1, 2, 5, 8])
def test_a_search_is_cut_where_torch_cuts_it(
    model: Transformer, graphs: Search, beam_size: int, limits: list[int]
) -> None:
    options = SearchOptions(beam_size, 1.0, beam_size)
    sources = sources_of(RAGGED, seed=3)
    expected = found_by(torch_search(model, SPECIALS), sources, limits, options)
    assert_same(expected, found_by(graphs, sources, limits, options))
    for limit, hypotheses in zip(limits, expected, strict=True):
        assert max(h.n_tokens for h in hypotheses) <= limit


@pytest.mark.parametrize("length", [1, 2, 4, 70])
@pytest.mark.parametrize("beam_size", [1, 4])
def test_a_lone_source_of_any_length(
    model: Transformer, graphs: Search, beam_size: int, length: int
) -> None:
    options = SearchOptions(beam_size, 1.0, beam_size)
    sources = sources_of([length], seed=length)
    expected = found_by(torch_search(model, SPECIALS), sources, [LONG], options)
    assert_same(expected, found_by(graphs, sources, [LONG], options))


def test_the_model_ends_early_late_and_never(model: Transformer) -> None:
    """Or the tests above would say little."""
    sources = sources_of([*RAGGED] * 4)
    for beam_size, n_ends in ((1, 3), (4, 9)):
        options = SearchOptions(beam_size, 1.0, beam_size)
        limits = [LONG] * len(sources)
        found = found_by(torch_search(model, SPECIALS), sources, limits, options)
        hypotheses = [h for of_one in found for h in of_one]
        assert len({h.n_tokens for h in hypotheses if h.is_finished}) >= n_ends
        assert not all(h.is_finished for h in hypotheses)
        assert len({h.tokens for h in hypotheses}) > len(hypotheses) / 3


def test_swish_is_searched_too() -> None:
    model = model_of("swish")
    options = SearchOptions(4, 1.0, 4)
    sources, limits = sources_of(RAGGED), [LONG] * len(RAGGED)
    expected = found_by(torch_search(model, SPECIALS), sources, limits, options)
    actual = found_by(search_of(model, Weights.of(model)), sources, limits, options)
    assert_same(expected, actual)


@pytest.mark.parametrize("beam_size", [1, 2, 4, 7])
def test_a_sentence_gives_the_same_bits_alone_and_in_any_batch(
    int8_graphs: Search, beam_size: int
) -> None:
    rng = np.random.default_rng(beam_size)
    options = SearchOptions(beam_size, 1.0, beam_size)
    lengths = [*RAGGED, *rng.integers(1, 40, 16).tolist()]
    sources = sources_of(lengths, seed=11)
    limits = rng.integers(1, LONG, len(sources)).tolist()
    alone = [
        found_by(int8_graphs, [ids], [limit], options)[0]
        for ids, limit in zip(sources, limits, strict=True)
    ]
    for size in (2, 3, 7, len(sources)):
        order = rng.permutation(len(sources))[:size].tolist()
        batch = found_by(
            int8_graphs, [sources[i] for i in order], [limits[i] for i in order], options
        )
        assert batch == [alone[i] for i in order]


def test_int8_finds_about_what_fp32_finds(graphs: Search, int8_graphs: Search) -> None:
    sources, limits = sources_of([*RAGGED] * 3, seed=5), [1] * 24
    options = SearchOptions(4, 1.0, 4)
    exact, rounded = (found_by(side, sources, limits, options) for side in (graphs, int8_graphs))
    best = [[of_one[0].score for of_one in side] for side in (exact, rounded)]
    assert 0 < np.abs(np.array(best[0]) - best[1]).max() < 0.3


def test_what_must_not_come_out_never_does(model: Transformer, graphs: Search) -> None:
    favoured = model_of()
    with torch.no_grad():
        favoured.output_bias[list(SPECIALS.banned)] = 20.0
    options = SearchOptions(4, 1.0, 4)
    sources, limits = sources_of(RAGGED), [LONG] * len(RAGGED)
    actual = found_by(search_of(favoured, Weights.of(favoured)), sources, limits, options)
    assert_same(found_by(graphs, sources, limits, options), actual)
