"""Verify an int8 graph: its outputs are close to torch's, and bit for bit the same in every batch.

Int8 does not reproduce torch's numbers exactly, so the tolerance is wider than in fp32, on inputs that look
like text. A row must have exactly the same outputs alone and in a padded batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product

import numpy as np
import onnx
import torch

from model_export.checks.difference import Outputs, compare
from model_export.checks.torch_reference import torch_classifier
from model_export.int8.equalisation import spelled_words
from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import TagPaths, along, viterbi
from seqserve.errors import ExportError
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.runtime.ner import onnx_tagger
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training.ner import transitions_of

Graph = Callable[[Inputs], Outputs]
Draw = Callable[[np.random.Generator, int, int], Inputs]
"""Random generator, number of texts, number of tokens -> inputs, `lengths` (B,) among them."""

TOLERANCE = 0.05  # of a probability; the models that ship stay within 0.015
SHAPES = (*product((1, 2, 9), (1, 2, 8, 40)), (3, 130))  # texts, tokens


def check_int8_tagger(model: Tagger, text: WordTokenEncoder, graph: onnx.ModelProto) -> float:
    """Compare an int8 tagger with torch, on words of its vocabulary in any order.

    Both sides say how probable the steps along the graph's tags are, and torch says how much of its best
    tags' probability these have, as a mean of the tokens.

    Returns:
        The largest absolute difference of a probability.

    Raises:
        ExportError: It is over `TOLERANCE`, or a row depends on its batch.
    """
    tagger = onnx_tagger(make_session(graph.SerializeToString()))
    spellings = spelled_words(text)

    def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
        word_ids, lengths = _words(rng, n_texts, n_tokens, model.config.n_words)
        chars = spellings[rng.integers(0, len(spellings), word_ids.shape)]
        return {"word_ids": word_ids, "char_ids": chars, "lengths": lengths}

    def graph_side(inputs: Inputs) -> Outputs:
        found = tagger(inputs)
        return _probabilities(found) | {"share": np.ones(len(found.tags), np.float32)}

    def torch_side(inputs: Inputs) -> Outputs:
        return _along_tags(model, text, inputs, tagger(inputs).tags)

    check_invariance("tagger", lambda inputs: vars(tagger(inputs)), draw, SHAPES)
    return _worst("int8 tagger", draw, torch_side, graph_side)


def check_int8_classifier(
    model: Classifier, probabilities: Callable[[FloatArray], FloatArray], graph: onnx.ModelProto
) -> float:
    """Compare an int8 classifier with torch, on words of its vocabulary in any order.

    Args:
        model: In torch.
        probabilities: Of its labels, from its logits, both (B, L).
        graph: In int8.

    Returns:
        The largest absolute difference of a probability.

    Raises:
        ExportError: It is over `TOLERANCE`, or a row depends on its batch.
    """
    session = make_session(graph.SerializeToString())
    in_torch = torch_classifier(model)

    def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
        word_ids, lengths = _words(rng, n_texts, n_tokens, model.config.n_words)
        return {"word_ids": word_ids, "lengths": lengths}

    check_invariance("classifier", partial(run, session), draw, SHAPES)
    return _worst(
        "int8 classifier",
        draw,
        lambda inputs: {"probabilities": probabilities(in_torch(inputs))},
        lambda inputs: {"probabilities": probabilities(run(session, inputs)["logits"])},
    )


def check_invariance(
    name: str, graph: Graph, draw: Draw, shapes: Iterable[tuple[int, int]]
) -> None:
    """Let a graph read batches, and their rows one by one.

    Args:
        name: What is computed; it starts the error message.
        graph: Inputs (B, T, ...) -> outputs (B, T) or, of rows as wholes, (B, N).
        draw: What to read.
        shapes: Texts and tokens.

    Raises:
        ExportError: A number is not the same, bit by bit.
    """
    rng = np.random.default_rng(0)
    for n_texts, n_tokens in shapes:
        inputs = draw(rng, n_texts, n_tokens)
        together = graph(inputs)
        for row, length in enumerate(inputs["lengths"].tolist()):
            for output, alone in graph(_alone(inputs, row, length)).items():
                if not np.array_equal(alone[0], together[output][row, : alone.shape[1]]):
                    raise ExportError(
                        f"{name}: {output} of a text of {length} tokens is not the same alone and in "
                        f"a batch of {n_texts} x {n_tokens}"
                    )


def _alone(inputs: Inputs, row: int, length: int) -> Inputs:
    """Return one row without its padding."""
    return {
        name: values[row : row + 1] if values.ndim == 1 else values[row : row + 1, :length]
        for name, values in inputs.items()
    }


def _worst(name: str, draw: Draw, torch_side: Graph, graph_side: Graph) -> float:
    rng = np.random.default_rng(0)
    worst = 0.0
    for n_texts, n_tokens in SHAPES:
        inputs = draw(rng, n_texts, n_tokens)
        where = f"{name}, {n_texts} x {n_tokens} tokens"
        worst = max(worst, compare(where, torch_side(inputs), graph_side(inputs), TOLERANCE))
    return worst


def _along_tags(model: Tagger, text: WordTokenEncoder, inputs: Inputs, tags: IntArray) -> Outputs:
    """Return torch's probabilities along the tags, and per row the `share` of its best tags' that they have."""
    with torch.inference_mode():
        emissions: FloatArray = model(*map(torch.from_numpy, inputs.values())).numpy()
    known = (emissions, inputs["lengths"], transitions_of(model), text.scheme.inside_tags())
    chosen, best = along(tags, *known), along(viterbi(*known[:3])[0], *known)
    lost = (chosen.log_probabilities() - best.log_probabilities()) / inputs["lengths"]
    return _probabilities(chosen) | {"share": np.exp(lost)}


def _probabilities(paths: TagPaths) -> dict[str, FloatArray]:
    logs = {"enter": paths.enter, "go_on": paths.go_on, "leave": paths.leave}
    return {name: np.exp(values) for name, values in logs.items()}


def _words(
    rng: np.random.Generator, n_texts: int, n_tokens: int, n_words: int
) -> tuple[IntArray, IntArray]:
    """Draw (B, T) ids, frequent words (low ids) more often, and (B,) lengths."""
    word_ids = (n_words ** rng.random((n_texts, n_tokens))).astype(np.int64)
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    return word_ids, lengths
