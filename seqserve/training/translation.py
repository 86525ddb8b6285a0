"""Training a translator: subwords, pairs, label-smoothed loss, dev likelihood.

Source: Szegedy et al. 2016 (label smoothing); Vaswani et al. 2017 (the schedule's shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import FloatArray, IntArray
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.files import written_whole
from seqserve.models.layer_stacking import deepen_encoder
from seqserve.models.seq2seq import RowSeq2Seq, RowState
from seqserve.models.transformer import DecoderState, Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.batching import length_batches, pad
from seqserve.text.subwords import SubwordTokenizer, train_subwords
from seqserve.training.checkpoint import LAST, read_weights
from seqserve.training.data import SegmentPair, Split, read_pairs
from seqserve.training.models import make_model
from seqserve.training.recipe import DataSet, Recipe, begun_with


@dataclass(frozen=True)
class PairConfig:
    """How pairs become ids.

    Args:
        vocab_size: Subwords of both languages together.
        max_tokens: Pairs with a longer side are left out of training.
        max_ratio: Pairs whose sides differ more in length are left out (they are mostly misaligned).
        label_smoothing: Probability mass spread over the whole vocabulary.
        start: Name of a run beside this one, to begin with its subwords and weights; its encoder may
            have fewer layers. Empty: begin with random weights.
    """

    vocab_size: int = 10000
    max_tokens: int = 100
    max_ratio: float = 3.0
    label_smoothing: float = 0.1
    start: str = ""


Translator = Transformer | RowSeq2Seq


class TranslationTask:
    """What the loop trains: a Transformer on pairs of segments."""

    metric = "log_likelihood"

    def __init__(
        self,
        model: Translator,
        tokenizer: SubwordTokenizer,
        train: Sequence[SegmentPair],
        dev: Sequence[SegmentPair],
        config: PairConfig,
        batch_tokens: int,
    ) -> None:
        self.model = model
        self._device = next(model.parameters()).device
        self._smoothing = config.label_smoothing
        self._batch_tokens = batch_tokens
        self._pad_id = tokenizer.specials.pad
        pairs = zip(*_encode(tokenizer, train), strict=True)
        kept = [pair for pair in pairs if _is_usable(pair, config)]
        dev_pairs = list(zip(*_encode(tokenizer, dev), strict=True))
        self._pairs = kept + dev_pairs
        self._n_train = len(kept)

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training pairs, batched by length."""
        order = rng.permutation(self._n_train)
        batches = [
            order[batch] for batch in length_batches(self._lengths(order), self._batch_tokens)
        ]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the smoothed cross-entropy per target token, and the number of target tokens."""
        losses, n_tokens = self._token_loss(batch, self._smoothing)
        return losses / n_tokens, n_tokens

    def evaluate(self) -> dict[str, float]:
        """Return the mean log-probability of a dev token."""
        dev = np.arange(self._n_train, len(self._pairs))
        total, n_tokens = 0.0, 0
        for rows in length_batches(self._lengths(dev), self._batch_tokens * 2):
            loss, n = self._token_loss(dev[rows], smoothing=0.0)
            total, n_tokens = total + float(loss), n_tokens + n
        return {"log_likelihood": -total / n_tokens}

    def _lengths(self, indices: IntArray) -> list[int]:
        return [max(map(len, self._pairs[i])) for i in indices]

    def _token_loss(self, batch: IntArray, smoothing: float) -> tuple[Tensor, int]:
        source, _ = pad([self._pairs[i][0] for i in batch], self._pad_id)
        target, lengths = pad([self._pairs[i][1] for i in batch], self._pad_id)
        shifted = np.concatenate([np.full((len(batch), 1), self._pad_id), target[:, :-1]], axis=1)
        logits = self.model(self._tensor(source), self._tensor(shifted))
        loss = F.cross_entropy(
            logits.flatten(0, 1).float(),
            self._tensor(target).flatten(),
            ignore_index=self._pad_id,
            label_smoothing=smoothing,
            reduction="sum",
        )
        return loss, int(lengths.sum())

    def _tensor(self, ids: IntArray) -> Tensor:
        return torch.from_numpy(ids).to(self._device)


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> TranslationTask:
    """Read the data, train or load the subwords, and make the task.

    Args:
        recipe: What to train.
        root: Where the data sets are.
        directory: The run; gets `tokenizer.json`, and keeps it when the run is resumed.
        device: Where to train.
    """
    config = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")

    def read(sets: Sequence[DataSet], split: Split) -> list[SegmentPair]:
        return [pair for s in sets for pair in read_pairs(root, s, split, recipe.languages)]

    train = read(recipe.data.train, "train")
    start = directory.parent / config.start if config.start else None
    path = directory / "tokenizer.json"
    if not path.exists():
        subwords = subwords_of(recipe, start) if start else _learn_subwords(train, config)
        directory.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_text(subwords.to_json(), encoding="utf-8")
    tokenizer = SubwordTokenizer.load(path)
    torch.manual_seed(recipe.loop.seed)
    model = make_translator(recipe, tokenizer)
    if start and not (directory / LAST).exists():
        if not isinstance(model, Transformer):
            raise ConfigError(f"{recipe.name} [text]: only a transformer can have a start")
        warm_start(model, start)
    model = model.to(device)
    dev = read(recipe.data.dev, "dev")
    return TranslationTask(model, tokenizer, train, dev, config, recipe.loop.batch_tokens)


def _learn_subwords(pairs: Sequence[SegmentPair], config: PairConfig) -> SubwordTokenizer:
    segments = [text for pair in pairs for text in (pair.source, pair.target)]
    return train_subwords(segments, config.vocab_size)


def subwords_of(recipe: Recipe, start: Path) -> SubwordTokenizer:
    """Return the subwords of the run to start from.

    Raises:
        ConfigError: The recipe wants a vocabulary of its own as well.
        DataError: The run has no subwords.
    """
    if "vocab_size" in recipe.text:
        raise ConfigError(f"{recipe.name} [text]: {start.name} decides vocab_size; leave it out")
    path = start / "tokenizer.json"
    if not path.exists():
        raise DataError(f"there is no {path}: train the recipe {start.name} first")
    return SubwordTokenizer.load(path)


def warm_start(model: Transformer, start: Path) -> None:
    """Begin with the weights of a run that has fewer encoder layers and the same model otherwise.

    Raises:
        DataError: The weights are missing, or of a model that differs in more than depth and dropout.
    """
    theirs = begun_with(start).get("model", {})
    theirs = {key: value for key, value in theirs.items() if key != "architecture"}
    ours = to_mapping(model.config)
    sizes = {
        key: ours[key] for key in ("vocab_size", "pad_id", "end_id", "encoder_layers", "dropout")
    }
    other = to_mapping(from_mapping(TransformerConfig, {**theirs, **sizes}, str(start)))
    differing = sorted(key for key in ours if ours[key] != other[key])
    if differing:
        raise DataError(
            f"{start} is no start for this model: it has another {', '.join(differing)}"
        )
    weights = read_weights(start / "best.safetensors")
    model.load_state_dict(deepen_encoder(weights, model.config.encoder_layers))


def make_translator(recipe: Recipe, tokenizer: SubwordTokenizer) -> Translator:
    """Make the untrained model that fits the subwords."""
    specials = tokenizer.specials
    sizes = {
        "vocab_size": tokenizer.vocab_size,
        "pad_id": specials.pad,
        "end_id": specials.end,
    }
    return cast(Translator, make_model(recipe, sizes))


@dataclass(frozen=True)
class TorchState:
    """The decoder's state behind the interface of `seqserve.decode.search`."""

    state: DecoderState | RowState

    def select(self, rows: IntArray) -> TorchState:
        """Keep and reorder hypotheses."""
        return TorchState(self.state.select(torch.from_numpy(rows)))


class TorchTranslator:
    """The torch model behind the interface that beam search and the runtime drive."""

    def __init__(self, model: Translator, banned_ids: Sequence[int] = ()) -> None:
        """Take ids that must not come out; the probabilities of the others sum to 1."""
        self._model = model
        self._banned_ids = list(banned_ids)

    def start(self, source: IntArray) -> TorchState:
        """Read (B, S) padded source ids."""
        with torch.inference_mode():
            return TorchState(self._model.start(torch.from_numpy(source)))

    def step(self, tokens: IntArray, state: TorchState) -> tuple[FloatArray, TorchState]:
        """Last ids (B, W) -> log-probabilities (B, W, V) and the next state."""
        with torch.inference_mode():
            logits, next_state = self._model.step(torch.from_numpy(tokens), cast(Any, state.state))
            logits[:, :, self._banned_ids] = float("-inf")
            log_probs: FloatArray = logits.log_softmax(2).numpy()
        return log_probs, TorchState(next_state)


def _encode(
    tokenizer: SubwordTokenizer, pairs: Sequence[SegmentPair]
) -> tuple[list[list[int]], list[list[int]]]:
    return (
        tokenizer.encode_all([pair.source for pair in pairs]),
        tokenizer.encode_all([pair.target for pair in pairs]),
    )


def _is_usable(pair: tuple[list[int], list[int]], config: PairConfig) -> bool:
    short, long = sorted(map(len, pair))
    return long <= config.max_tokens and long <= config.max_ratio * short + 5
