"""Decoding batches: who is searched together, who leaves, and what several threads get that search at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from model_export.exporters.graphs.translator import translator_graphs
from model_export.exporters.graphs.weights import Weights
from seqserve.decode.search import Hypothesis, SearchOptions, SearchVocabulary
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.runtime.search_request import SearchRequest
from seqserve.runtime.session import make_session
from seqserve.runtime.transformer_search import (
    DecodingBatch,
    TransformerSearch,
    choose_batch,
)
from seqserve.text.subwords import SPECIALS

GREEDY, BEAM = SearchOptions(1), SearchOptions(4, 1.0, 4)
N_SYMBOLS = 120


@pytest.fixture(scope="module")
def graphs() -> dict[str, bytes]:
    torch.manual_seed(3)
    config = TransformerConfig(N_SYMBOLS, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48)
    model = Transformer(config)
    with torch.no_grad():
        model.output_bias[config.end_id] = 2.5
    graphs = translator_graphs(config, Weights.of(model), SPECIALS.banned)
    return {name: graph.SerializeToString() for name, graph in graphs.items()}


def translator(graphs: dict[str, bytes], n_workers: int = 1) -> TransformerSearch:
    sessions = {name: make_session(graph) for name, graph in graphs.items()}
    return TransformerSearch(sessions, SearchVocabulary(0, 1, SPECIALS.banned), 0, n_workers)


def sentence(
    n_tokens: int, options: SearchOptions = BEAM, max_tokens: int = 20, seed: int = 0
) -> SearchRequest:
    rng = np.random.default_rng((n_tokens, seed))
    return SearchRequest(
        [*rng.integers(3, N_SYMBOLS, n_tokens - 1).tolist(), 1], max_tokens, options
    )


def same_again(sentences: Sequence[SearchRequest]) -> list[SearchRequest]:
    return [SearchRequest(one.ids, one.max_tokens, one.options) for one in sentences]


def assert_alike(expected: Sequence[SearchRequest], actual: Sequence[SearchRequest]) -> None:
    for right, given in zip(expected, actual, strict=True):
        assert given.is_done

        def answer(found: list[Hypothesis]) -> list[tuple[tuple[int, ...], bool]]:
            return [(h.tokens, h.is_finished) for h in found]

        assert answer(given.best) == answer(right.best)
        scores = [[h.score for h in one.best] for one in (right, given)]
        np.testing.assert_allclose(scores[1], scores[0], atol=1e-5)


@pytest.mark.parametrize(
    "lengths, widths, n_shares, expected",
    [
        pytest.param([10], [4], 1, {0}, id="alone"),
        pytest.param([10, 10, 11], [4, 4, 4], 1, {0, 1, 2}, id="all alike"),
        pytest.param([10, 10, 10, 10], [4, 1, 4, 5], 1, {0, 2}, id="one beam size"),
        pytest.param([40, 90, 10, 96, 97, 12, 11], [1] * 7, 1, {0, 1, 3, 5}, id="like lengths"),
        pytest.param([1, 18, 19], [1] * 3, 1, {0, 1}, id="some slack for the shortest"),
        pytest.param([10, 30, 12, 11], [1] * 4, 2, {0, 3}, id="half of them, the nearest"),
        pytest.param([10, 12, 11], [1] * 3, 2, {0, 2}, id="halves are rounded up"),
        pytest.param([10, 10, 10], [1] * 3, 5, {0}, id="more shares than sentences"),
        pytest.param([10] * 99, [1] * 99, 1, set(range(64)), id="64 greedy ones"),
        pytest.param([10] * 99, [8] * 99, 1, set(range(8)), id="64 hypotheses"),
        pytest.param([10] * 9, [100] * 9, 1, {0}, id="a beam that is too wide for two"),
        pytest.param([30] + [10] * 99, [16] * 100, 1, {0, 1, 2, 3}, id="the first is always in"),
    ],
)
def test_who_is_searched_with_the_first_that_waits(
    lengths: list[int], widths: list[int], n_shares: int, expected: set[int]
) -> None:
    pairs = zip(lengths, widths, strict=True)
    waiting = [sentence(n, SearchOptions(width)) for n, width in pairs]
    chosen = choose_batch(waiting, n_shares)
    assert {waiting.index(one) for one in chosen} == expected
    assert len(chosen) == len(expected)


def rows_of(cohort: DecodingBatch) -> int:
    n_rows: int = cohort._state["tokens"].shape()[0]
    return n_rows


@pytest.mark.parametrize("options", [GREEDY, BEAM], ids=["greedy", "beam"])
def test_who_is_done_leaves_the_cohort(graphs: dict[str, bytes], options: SearchOptions) -> None:
    limits = [1, 1, 1, 1, 1, 9, 15, 30]
    sentences = [sentence(40 - 4 * i, options, limit) for i, limit in enumerate(limits)]
    cohort = translator(graphs).begin(sentences)
    rows, widths = [], []
    while not cohort.is_done:
        cohort.advance()
        rows.append(rows_of(cohort))
        widths.append(cohort._state["mask"].shape()[1])
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == 8
    assert rows[-1] <= 3
    assert widths[0] == 40
    assert widths[-1] <= 20  # as wide as the longest source that is left
    alone = same_again(sentences)
    for one in alone:
        translator(graphs).search([one])
    assert_alike(alone, sentences)


def test_a_search_takes_few_steps_a_call(graphs: dict[str, bytes]) -> None:
    wide = [sentence(9, SearchOptions(8), 30, seed) for seed in range(8)]
    cohort = translator(graphs).begin(wide)
    cohort.advance()
    assert all(len(one._tokens) == 1 for one in wide)  # or others would wait for long


def test_greedy_and_beam_mixed_in_one_call(graphs: dict[str, bytes]) -> None:
    kinds = [GREEDY, BEAM, SearchOptions(2, 0.0, 1), SearchOptions(4, 2.0, 2)]
    mixed = [sentence(n, kinds[n % 4], max_tokens=n % 7 + 1) for n in range(1, 40)]
    together, alone = same_again(mixed), same_again(mixed)
    one_by_one = translator(graphs)
    for one in alone:
        one_by_one.search([one])
    translator(graphs).search(together)
    assert_alike(alone, together)
    assert [len(one.best) for one in together] == [one.options.n_best for one in together]


def test_nothing_to_search(graphs: dict[str, bytes]) -> None:
    translator(graphs, 2).search([])


def test_eight_threads_get_what_single_calls_give(graphs: dict[str, bytes]) -> None:
    kinds = [GREEDY, BEAM]
    rng = np.random.default_rng(1)
    calls = [
        [
            sentence(n, kinds[int(rng.integers(2))], int(rng.integers(1, 25)), seed)
            for n in rng.integers(1, 60, int(rng.integers(1, 12))).tolist()
        ]
        for seed in range(16)
    ]
    alone = [same_again(call) for call in calls]
    one_by_one = translator(graphs)
    for one in (one for call in alone for one in call):
        one_by_one.search([one])
    shared = translator(graphs, n_workers=2)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(shared.search, calls, timeout=60))
    for expected, actual in zip(alone, calls, strict=True):
        assert_alike(expected, actual)
