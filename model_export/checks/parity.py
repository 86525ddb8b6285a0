"""Verify that a graph has the outputs of the torch model, on seeded inputs of many shapes.

Batches are ragged, positions after the end of a row hold noise, and one length is far beyond those of
training. Translation graphs run in the runtime's own search and sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import onnx
import torch
from torch import nn

from model_export.checks.difference import Outputs, compare
from model_export.checks.torch_reference import forward, torch_search, torch_tagger
from seqserve.arrays import FloatArray, IntArray
from seqserve.cpus import available_cpus
from seqserve.decode.search import Hypothesis, SearchOptions, SearchVocabulary
from seqserve.errors import ExportError
from seqserve.models.classifier import TextClassifier
from seqserve.models.tagger import CrfTagger, Tagger
from seqserve.models.transformer import Transformer
from seqserve.runtime.ner import TaggerModel, onnx_tagger
from seqserve.runtime.search_request import Search, SearchRequest
from seqserve.runtime.session import make_session, run
from seqserve.runtime.transformer_search import TransformerSearch
from seqserve.text.protocols import Inputs, SpecialIds
from seqserve.text.tags import TagScheme

TOLERANCE = 1e-4
SHAPES = (*product((1, 2, 7, 33), (1, 2, 7, 33)), (2, 300))  # texts, tokens
BEAM_SIZES = tuple(range(1, 9))
SEARCH_SHAPES = ((1, 5), (5, 12), (2, 70))  # texts, tokens
MAX_MORE_TOKENS = 3  # than the source has, end symbol included
_N_CHARS = 12


@dataclass(frozen=True)
class Comparison:
    """A torch module and its graph, to be compared on random inputs.

    Args:
        name: Of the graph, for error messages.
        model: The torch module.
        draw: Random generator, number of texts, number of tokens -> inputs.
        torch_side: Inputs -> outputs of the module.
        graph_side: Inputs -> outputs of the graph.
    """

    name: str
    model: nn.Module
    draw: Callable[[np.random.Generator, int, int], Inputs]
    torch_side: Callable[[Inputs], Outputs]
    graph_side: Callable[[Inputs], Outputs]

    def worst_difference(self, tolerance: float) -> float:
        """Compare over `SHAPES`; the model goes into eval mode."""
        self.model.eval()
        rng = np.random.default_rng(0)
        worst = 0.0
        for n_texts, n_tokens in SHAPES:
            inputs = self.draw(rng, n_texts, n_tokens)
            with torch.inference_mode():
                expected = self.torch_side(inputs)
            where = f"{self.name}, {n_texts} x {n_tokens} tokens"
            worst = max(worst, compare(where, expected, self.graph_side(inputs), tolerance))
        return worst


def check_tagger(
    model: Tagger, scheme: TagScheme, graph: onnx.ModelProto, *, tolerance: float = TOLERANCE
) -> float:
    """Compare the tagger's graph with the model and the CRF in numpy.

    Args:
        model: What was trained.
        scheme: Its tags.
        graph: In float32.
        tolerance: Largest absolute difference that is accepted, of a log-probability.

    Returns:
        The largest absolute difference.

    Raises:
        ExportError: See `compare`; tags that differ are a difference, too.
    """
    torch_side = torch_tagger(model, scheme)
    graph_side = onnx_tagger(make_session(graph.SerializeToString()))

    draw = partial(_draw_tokens, n_words=model.config.n_words, n_chars=model.config.n_chars)

    def fields(side: TaggerModel) -> Callable[[Inputs], Outputs]:
        return lambda inputs: {
            name: np.asarray(value, np.float32) for name, value in vars(side(inputs)).items()
        }

    comparison = Comparison("tagger", model, draw, fields(torch_side), fields(graph_side))
    return comparison.worst_difference(tolerance)


def check_emissions(model: CrfTagger, graph: onnx.ModelProto, sizes: tuple[int, int]) -> float:
    """Compare a graph without a CRF with the model; where padded, its emissions mean nothing.

    Args:
        model: What was trained.
        graph: In float32.
        sizes: How many word ids and character ids there are.

    Returns:
        The largest absolute difference of an emission.

    Raises:
        ExportError: See `compare`.
    """
    session = make_session(graph.SerializeToString())

    draw = partial(_draw_tokens, n_words=sizes[0], n_chars=sizes[1])

    def on_tokens(emissions: FloatArray, inputs: Inputs) -> Outputs:
        is_token = np.arange(emissions.shape[1]) < inputs["lengths"][:, None]
        return {"emissions": np.where(is_token[:, :, None], emissions, np.float32(0))}

    return Comparison(
        "tagger",
        model,
        draw,
        lambda inputs: on_tokens(forward(model, inputs), inputs),
        lambda inputs: on_tokens(run(session, inputs)["emissions"], inputs),
    ).worst_difference(TOLERANCE)


def check_classifier(
    model: TextClassifier,
    graph: onnx.ModelProto,
    n_words: int,
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare the classifier's graph with the model.

    Args:
        model: What was trained.
        graph: In float32.
        n_words: How many word ids there are.
        tolerance: Largest absolute difference that is accepted.

    Returns:
        The largest absolute difference of a logit.

    Raises:
        ExportError: See `compare`.
    """
    session = make_session(graph.SerializeToString())

    def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
        shape = (n_texts, n_tokens)
        return {
            "word_ids": _ids(rng, shape, n_words),
            "lengths": _lengths(rng, *shape),
        }

    return Comparison(
        "classifier",
        model,
        draw,
        lambda inputs: {"logits": forward(model, inputs)},
        lambda inputs: run(session, inputs),
    ).worst_difference(tolerance)


def check_transformer(
    model: Transformer,
    graphs: Mapping[str, onnx.ModelProto],
    specials: SpecialIds,
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare what the graphs find with what the search on torch finds, for every beam size.

    Args:
        model: What was trained.
        graphs: Encoder, greedy and beam, in float32.
        specials: Of the vocabulary.
        tolerance: Largest absolute difference that is accepted, of a mean log-probability per token.

    Returns:
        The largest absolute difference.

    Raises:
        ExportError: A hypothesis has other tokens, or see `compare`.
    """
    model.eval()
    sides = graph_search(graphs, specials), torch_search(model, specials)
    return check_search(*sides, model.config.vocab_size, specials, tolerance=tolerance)


def check_search(
    graph_side: Search,
    torch_side: Search,
    vocab_size: int,
    specials: SpecialIds,
    *,
    tolerance: float = TOLERANCE,
) -> float:
    """Compare what a search on graphs finds with what one on torch finds, for every beam size.

    Returns:
        The largest absolute difference of a mean log-probability per token.

    Raises:
        ExportError: A hypothesis has other tokens, or see `compare`.
    """
    rng = np.random.default_rng(0)
    worst = 0.0
    for beam_size in BEAM_SIZES:
        options = SearchOptions(beam_size, 1.0, beam_size)
        for n_texts, n_tokens in SEARCH_SHAPES:
            lengths = _lengths(rng, n_texts, n_tokens)
            sources = [_source(rng, vocab_size, specials, int(n)) for n in lengths]
            right, given = (_searched(side, sources, options) for side in (torch_side, graph_side))
            where = f"beam size {beam_size}, {n_texts} x {n_tokens} tokens"
            worst = max(worst, _compare_hypotheses(where, right, given, tolerance))
    return worst


def graph_search(
    graphs: Mapping[str, onnx.ModelProto],
    specials: SpecialIds,
    n_workers: int | None = None,
) -> Search:
    """Return the search of a translator's graphs, on a number of threads; None: as many as there are CPUs."""
    vocabulary = SearchVocabulary(specials.pad, specials.end, specials.banned)
    sessions = {name: make_session(graph.SerializeToString()) for name, graph in graphs.items()}
    return TransformerSearch(
        sessions, vocabulary, specials.pad, n_workers or available_cpus()
    ).search


def _searched(
    search: Search, sources: Sequence[Sequence[int]], options: SearchOptions
) -> list[list[Hypothesis]]:
    sentences = [SearchRequest(ids, len(ids) + MAX_MORE_TOKENS, options) for ids in sources]
    search(sentences)
    return [sentence.best for sentence in sentences]


def _compare_hypotheses(
    where: str,
    expected: Sequence[Sequence[Hypothesis]],
    actual: Sequence[Sequence[Hypothesis]],
    tolerance: float,
) -> float:
    """Return the largest difference of a score; tokens must be the same."""
    for i, (right, given) in enumerate(zip(expected, actual, strict=True)):
        if [h.tokens for h in right] != [h.tokens for h in given]:
            raise ExportError(f"{where}: source {i} decodes to {given}, with torch to {right}")
    right_scores, given_scores = (
        {"scores": np.array([h.score for found in side for h in found], np.float32)}
        for side in (expected, actual)
    )
    return compare(where, right_scores, given_scores, tolerance)


def _source(
    rng: np.random.Generator, vocab_size: int, specials: SpecialIds, n_tokens: int
) -> list[int]:
    """Draw ids that are no special ones, and the end symbol."""
    first_plain = max(specials.pad, specials.end, specials.unknown) + 1
    ids: list[int] = rng.integers(first_plain, vocab_size, n_tokens).tolist()
    return [*ids, specials.end]


def _draw_tokens(
    rng: np.random.Generator, n_texts: int, n_tokens: int, *, n_words: int, n_chars: int
) -> Inputs:
    """Draw the inputs of a tagger."""
    shape = (n_texts, n_tokens)
    return {
        "word_ids": _ids(rng, shape, n_words),
        "char_ids": _ids(rng, (*shape, _N_CHARS), n_chars),
        "lengths": _lengths(rng, *shape),
    }


def _ids(rng: np.random.Generator, shape: tuple[int, ...], n_ids: int) -> IntArray:
    """Draw ids, one in ten of them 0 or 1: padding or unknown."""
    is_special = rng.random(shape) < 0.1
    return np.where(is_special, rng.integers(0, 2, shape), rng.integers(0, n_ids, shape))


def _lengths(rng: np.random.Generator, n_texts: int, n_tokens: int) -> IntArray:
    """Draw (B,) lengths, the first as long as the batch is wide."""
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    return lengths
