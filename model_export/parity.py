"""Does a graph give what the torch model gives? Both run on seeded inputs of many shapes.

Batches are ragged, what lies behind a row's length is noise, and one length is far beyond what
training sees. The runtime's own adapter drives the translation graphs, in the runtime's sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.search import SearchState
from seqserve.errors import ExportError
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer
from seqserve.runtime.session import make_session, run
from seqserve.runtime.translation import OnnxState, OnnxTranslator, TranslatorModel
from seqserve.training.translation import TorchState, TorchTranslator

Inputs = Mapping[str, IntArray]
Outputs = Mapping[str, FloatArray]
S = TypeVar("S", bound=SearchState)

TOLERANCE = 1e-4
SHAPES = (*product((1, 2, 7, 33), (1, 2, 7, 33)), (2, 300))  # texts, tokens
BEAM_SIZES = (1, 4)
N_STEPS = 6
STEP_WHEN_TEXTS_LEAVE = 3


@dataclass(frozen=True)
class Comparison:
    """Two ways to compute the same, and what to compute it of.

    Args:
        name: What is computed.
        model: The torch module of the torch side.
        draw: Random generator, number of texts, number of tokens -> inputs.
        torch_side: Inputs -> what the module gives.
        graph_side: Inputs -> what the graph gives.
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


def compare(name: str, expected: Outputs, actual: Outputs, tolerance: float) -> float:
    """Give the largest absolute difference between two sides' outputs.

    Args:
        name: What was computed; it starts the error message.
        expected: Torch's outputs.
        actual: The graph's outputs, of the same names.
        tolerance: Largest difference that is accepted.

    Raises:
        ExportError: Names or shapes differ, a difference is over the tolerance, or something is NaN.
    """
    if expected.keys() != actual.keys():
        raise ExportError(f"{name}: outputs are {sorted(actual)}, expected {sorted(expected)}")
    worst = 0.0
    for output, right in expected.items():
        given = actual[output]
        if given.shape != right.shape:
            raise ExportError(f"{name}: {output} is {given.shape}, expected {right.shape}")
        if right.size == 0:
            continue
        with np.errstate(invalid="ignore"):  # infinity minus infinity is NaN, and NaN is refused
            differences = np.abs(given - right)
        place = tuple(map(int, np.unravel_index(differences.argmax(), right.shape)))  # NaN wins
        if not differences[place] <= tolerance:
            raise ExportError(
                f"{name}: {output} {right.shape} is {given[place]} at {place}, where torch gives "
                f"{right[place]}; the tolerance is {tolerance}"
            )
        worst = max(worst, float(differences[place]))
    return worst


def check_tagger(
    model: Tagger, graph: bytes, max_chars: int, *, tolerance: float = TOLERANCE
) -> float:
    """Compare the tagger's graph with the model, on real tokens.

    Args:
        model: What was trained.
        graph: The file's contents.
        max_chars: C, characters of a token.
        tolerance: Largest absolute difference that is accepted.

    Returns:
        The largest absolute difference of an emission.

    Raises:
        ExportError: See `compare`.
    """
    session = make_session(graph)

    def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
        shape = (n_texts, n_tokens)
        return {
            "word_ids": _ids(rng, shape, model.config.n_words),
            "char_ids": _ids(rng, (*shape, max_chars), model.config.n_chars),
            "lengths": _lengths(rng, *shape),
        }

    def real(emissions: FloatArray, lengths: IntArray) -> Outputs:
        is_real = np.arange(emissions.shape[1]) < lengths[:, None]  # (B, T)
        return {"emissions": np.where(is_real[:, :, None], emissions, np.float32(0))}

    return Comparison(
        "tagger",
        model,
        draw,
        lambda inputs: real(_forward(model, inputs), inputs["lengths"]),
        lambda inputs: real(run(session, inputs)["emissions"], inputs["lengths"]),
    ).worst_difference(tolerance)


def check_classifier(model: Classifier, graph: bytes, *, tolerance: float = TOLERANCE) -> float:
    """Compare the classifier's graph with the model.

    Args:
        model: What was trained.
        graph: The file's contents.
        tolerance: Largest absolute difference that is accepted.

    Returns:
        The largest absolute difference of a logit.

    Raises:
        ExportError: See `compare`.
    """
    session = make_session(graph)

    def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
        shape = (n_texts, n_tokens)
        return {
            "word_ids": _ids(rng, shape, model.config.n_words),
            "lengths": _lengths(rng, *shape),
        }

    return Comparison(
        "classifier",
        model,
        draw,
        lambda inputs: {"logits": _forward(model, inputs)},
        lambda inputs: run(session, inputs),
    ).worst_difference(tolerance)


def check_transformer(
    model: Transformer, encoder: bytes, decoder_step: bytes, *, tolerance: float = TOLERANCE
) -> float:
    """Compare both graphs with the model: reading, then `N_STEPS` steps with 1 and more hypotheses.

    Between steps hypotheses are reordered, and half of the sentences leave on the way.

    Args:
        model: What was trained.
        encoder: The contents of the encoder's file.
        decoder_step: The contents of the decoder step's file.
        tolerance: Largest absolute difference that is accepted.

    Returns:
        The largest absolute difference of a log-probability, key or value.

    Raises:
        ExportError: See `compare`.
    """
    translator = OnnxTranslator(make_session(encoder), make_session(decoder_step))

    def of_width(n_beams: int) -> float:
        return Comparison(
            f"transformer with {n_beams} hypotheses",
            model,
            lambda rng, n_texts, n_tokens: _search_inputs(rng, model, (n_texts, n_tokens), n_beams),
            lambda inputs: _search(TorchTranslator(model), _torch_cache, inputs),
            lambda inputs: _search(translator, _onnx_cache, inputs),
        ).worst_difference(tolerance)

    return max(of_width(n_beams) for n_beams in BEAM_SIZES)


def _search(
    translator: TranslatorModel[S], cache: Callable[[S], Outputs], inputs: Inputs
) -> Outputs:
    """Follow the inputs' tokens and selections, and keep all that there is to see at every step."""
    state = translator.start(inputs["source"])
    outputs = {f"{name} at the start": value for name, value in cache(state).items()}
    for i in range(N_STEPS):
        state = state.select(inputs[f"rows.{i}"])
        log_probs, state = translator.step(inputs[f"tokens.{i}"], state)
        seen = {"log_probs": log_probs, **cache(state)}
        outputs |= {f"{name} at step {i}": value for name, value in seen.items()}
    return outputs


def _onnx_cache(state: OnnxState) -> Outputs:
    return state.cross | state.past


def _torch_cache(state: TorchState) -> Outputs:
    return {
        f"{kind}_{part}.{i}": value.numpy()
        for kind, layers in (("cross", state.state.cross), ("past", state.state.past))
        for i, layer in enumerate(layers)
        for part, value in zip(("keys", "values"), layer, strict=True)
    }


def _search_inputs(
    rng: np.random.Generator, model: Transformer, shape: tuple[int, int], n_beams: int
) -> Inputs:
    """Draw a padded source (B, S) and, per step i, `rows.i` to select and `tokens.i`, both (B', W)."""
    pad_id, end_id = model.config.pad_id, model.config.end_id
    lengths = _lengths(rng, *shape)
    source = rng.integers(0, model.config.vocab_size, shape)
    source[np.arange(shape[1]) >= lengths[:, None]] = pad_id
    source[np.arange(shape[0]), lengths - 1] = end_id
    inputs = {"source": source}
    n_texts, width = shape[0], 1
    for i in range(N_STEPS):
        kept = np.arange(n_texts)[:: 2 if i == STEP_WHEN_TEXTS_LEAVE else 1]
        new_width = n_beams if i else 1
        chosen = rng.integers(0, width, (len(kept), new_width))
        inputs[f"rows.{i}"] = kept[:, None] * width + chosen
        inputs[f"tokens.{i}"] = rng.integers(0, model.config.vocab_size, chosen.shape)
        n_texts, width = chosen.shape
    return inputs | {"tokens.0": np.full((shape[0], 1), pad_id)}


def _forward(model: nn.Module, inputs: Inputs) -> FloatArray:
    outputs: FloatArray = model(*map(torch.from_numpy, inputs.values())).numpy()
    return outputs


def _ids(rng: np.random.Generator, shape: tuple[int, ...], n_ids: int) -> IntArray:
    """Draw ids, one in ten of them 0 or 1: padding or unknown."""
    is_special = rng.random(shape) < 0.1
    return np.where(is_special, rng.integers(0, 2, shape), rng.integers(0, n_ids, shape))


def _lengths(rng: np.random.Generator, n_texts: int, n_tokens: int) -> IntArray:
    """Draw (B,) lengths, the first as long as the batch is wide."""
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    return lengths
