"""Training a translator: subwords, pairs, label-smoothed loss, dev likelihood and BLEU.

Source: Szegedy et al. 2016 (label smoothing); Vaswani et al. 2017 (the schedule's shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import IntArray
from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.files import written_whole
from seqserve.models.transformer import Transformer
from seqserve.text.batching import length_batches, pad
from seqserve.text.subwords import SubwordTokenizer, train_subwords
from seqserve.training.augmentation import CaseConfig, vary_case
from seqserve.training.bleu import bleu_metric
from seqserve.training.bundle_starts import BundleStart
from seqserve.training.checkpoint import LAST
from seqserve.training.data import SegmentPair, Split, evenly_spaced, read_pairs
from seqserve.training.decoding import Translator, greedy_translations
from seqserve.training.metrics import weighted_mean
from seqserve.training.models import make_model
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.sampling import epoch_examples
from seqserve.training.starts import Start, find_start, warm_start

_Ids = list[int]
_LIKELIHOOD, _BLEU = "log_likelihood", "bleu"


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
        start_bundle: A finished bundle instead, whose int8 weights are dequantized.
        augmentation: Variants of the source of training pairs. Only words that are written as plain text
            change: capital letters inside a word, digits, quotes and signs stay as they are.
        dev_metric: What chooses the best weights, as the weighted mean over the dev sets: `log_likelihood` of a
            token, or `bleu` of greedy translations, which takes longer to measure.
        dev_pairs: Most pairs of a dev set that are measured during training, evenly spaced; 0: all.
    """

    vocab_size: int = 10000
    max_tokens: int = 100
    max_ratio: float = 3.0
    label_smoothing: float = 0.1
    start: str = ""
    start_bundle: BundleStart | None = None
    augmentation: CaseConfig = field(default_factory=CaseConfig)
    dev_metric: Literal["log_likelihood", "bleu"] = "log_likelihood"
    dev_pairs: int = 0

    def __post_init__(self) -> None:
        """Raises ConfigError: a number of dev pairs is negative."""
        if self.dev_pairs < 0:
            raise ConfigError(f"[text] dev_pairs is {self.dev_pairs}; it must be at least 0")


@dataclass(frozen=True)
class PairSet:
    """A data set and its pairs."""

    dataset: DataSet
    pairs: Sequence[SegmentPair]


class TranslationTask:
    """What the loop trains: a Transformer on pairs of segments."""

    def __init__(
        self,
        model: Translator,
        tokenizer: SubwordTokenizer,
        sets: tuple[Sequence[PairSet], Sequence[PairSet]],
        config: PairConfig,
        recipe: Recipe,
    ) -> None:
        """Take the training and the dev `sets`."""
        self.model = model
        self.metric = config.dev_metric
        self._device = next(model.parameters()).device
        self._tokenizer = tokenizer
        self._config = config
        self._batch_tokens = recipe.loop.batch_tokens
        self._target = recipe.languages[1]
        self._pad_id = tokenizer.specials.pad
        train, dev = sets
        kept = [_usable(tokenizer, one.pairs, config) for one in train]
        self._weights = [one.dataset.weight for one in train]
        self._sizes = [len(ids) for ids, _ in kept]
        self._pairs = [pair for ids, _ in kept for pair in ids]
        self._sources = [source for _, sources in kept for source in sources]
        measured = [
            PairSet(one.dataset, evenly_spaced(list(one.pairs), config.dev_pairs or None))
            for one in dev
        ]
        self._dev = [(one, _encode(tokenizer, one.pairs)) for one in measured]

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training pairs, batched by length."""
        order = rng.permutation(epoch_examples(self._weights, self._sizes, rng))
        lengths = [max(map(len, self._pairs[i])) for i in order]
        batches = [order[batch] for batch in length_batches(lengths, self._batch_tokens)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the smoothed cross-entropy per target token, and the number of target tokens."""
        targets = [self._pairs[i][1] for i in batch]
        smoothing = self._config.label_smoothing
        losses, n_tokens = self._token_loss(self._varied(batch), targets, smoothing)
        return losses / n_tokens, n_tokens

    def _varied(self, batch: IntArray) -> list[_Ids]:
        """Return what the model reads as sources of training pairs; torch's generator decides."""
        if self._config.augmentation == CaseConfig():
            return [self._pairs[i][0] for i in batch]
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        sources = [vary_case(self._sources[i], self._config.augmentation, rng) for i in batch]
        return self._tokenizer.encode_all(sources)

    def evaluate(self) -> dict[str, float]:
        """Return the weighted mean over the dev sets of each measure; of several sets, each one's too."""
        scores = [self._scores(one, ids) for one, ids in self._dev]
        weights = [one.dataset.weight for one, _ in self._dev]
        mean = weighted_mean(scores, weights)
        if len(scores) == 1:
            return mean
        each = {
            f"{self.metric}_{one.dataset.name}": of_set[self.metric]
            for (one, _), of_set in zip(self._dev, scores, strict=True)
        }
        return mean | each

    def _scores(self, dev: PairSet, ids: Sequence[tuple[_Ids, _Ids]]) -> dict[str, float]:
        """Return the mean log-probability of a token of a dev set and, if that is the metric, BLEU."""
        total, n_tokens = 0.0, 0
        for rows in length_batches([max(map(len, pair)) for pair in ids], self._batch_tokens * 2):
            sources, targets = zip(*(ids[i] for i in rows), strict=True)
            loss, n = self._token_loss(sources, targets, smoothing=0.0)
            total, n_tokens = total + float(loss), n_tokens + n
        scores = {_LIKELIHOOD: -total / n_tokens}
        if self.metric == _BLEU:
            scores[_BLEU] = self._bleu(dev.pairs, ids)
        return scores

    def _bleu(self, pairs: Sequence[SegmentPair], ids: Sequence[tuple[_Ids, _Ids]]) -> float:
        """Return the BLEU, 0..100, of greedy translations."""
        translations = greedy_translations(
            self.model, self._tokenizer, [source for source, _ in ids], self._batch_tokens
        )
        references = [pair.target for pair in pairs]
        return float(bleu_metric(self._target).corpus_score(translations, [references]).score)

    def _token_loss(
        self, sources: Sequence[_Ids], targets: Sequence[_Ids], smoothing: float
    ) -> tuple[Tensor, int]:
        source, _ = pad(sources, self._pad_id)
        target, lengths = pad(targets, self._pad_id)
        start = np.full((len(target), 1), self._pad_id)
        shifted = np.concatenate([start, target[:, :-1]], axis=1)
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


def dev_task(
    recipe: Recipe, run: Path, root: Path, dev_pairs: int | None = None
) -> TranslationTask:
    """Return the task of a finished run without training pairs, to measure weights on dev.

    Args:
        recipe: Of the run.
        run: Has the subwords.
        root: Where the data sets are.
        dev_pairs: Instead of the recipe's.

    Raises:
        DataError: Files of the run or of the data are missing or malformed.
    """
    config = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")
    if dev_pairs is not None:
        config = replace(config, dev_pairs=dev_pairs)
    tokenizer = SubwordTokenizer.load(run / "tokenizer.json")
    model = make_translator(recipe, tokenizer)
    dev = [PairSet(s, read_pairs(root, s, "dev", recipe.languages)) for s in recipe.data.dev]
    return TranslationTask(model, tokenizer, ([], dev), config, recipe)


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> TranslationTask:
    """Read the data, train or load the subwords, and make the task.

    Args:
        recipe: What to train.
        root: Where the data sets are.
        directory: The run; gets `tokenizer.json`, and keeps it when the run is resumed.
        device: Where to train.
    """
    config = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")

    def read(sets: Sequence[DataSet], split: Split) -> list[PairSet]:
        return [PairSet(s, read_pairs(root, s, split, recipe.languages)) for s in sets]

    train = read(recipe.data.train, "train")
    is_begun = (directory / LAST).exists()
    path = directory / "tokenizer.json"
    start = None
    if not (is_begun and path.exists()):
        start = find_start(directory.parent, config.start, config.start_bundle)
    if not path.exists():
        subwords = subwords_of(recipe, start) if start else _learn_subwords(train, config)
        directory.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_text(subwords.to_json(), encoding="utf-8")
    tokenizer = SubwordTokenizer.load(path)
    torch.manual_seed(recipe.loop.seed)
    model = make_translator(recipe, tokenizer)
    if start and not is_begun:
        if not isinstance(model, Transformer):
            raise ConfigError(f"{recipe.name} [text]: only a transformer can have a start")
        warm_start(model, start, directory)
    model = model.to(device)
    return TranslationTask(model, tokenizer, (train, read(recipe.data.dev, "dev")), config, recipe)


def _learn_subwords(sets: Sequence[PairSet], config: PairConfig) -> SubwordTokenizer:
    segments = [text for one in sets for pair in one.pairs for text in (pair.source, pair.target)]
    return train_subwords(segments, config.vocab_size)


def subwords_of(recipe: Recipe, start: Start) -> SubwordTokenizer:
    """Return the subwords to start from.

    Raises:
        ConfigError: The recipe wants a vocabulary of its own as well.
        DataError: The start has no subwords.
    """
    if "vocab_size" in recipe.text:
        raise ConfigError(f"{recipe.name} [text]: {start.name} decides vocab_size; leave it out")
    return start.subwords()


def make_translator(recipe: Recipe, tokenizer: SubwordTokenizer) -> Translator:
    """Make the untrained model that fits the subwords."""
    specials = tokenizer.specials
    sizes = {
        "vocab_size": tokenizer.vocab_size,
        "pad_id": specials.pad,
        "end_id": specials.end,
    }
    return cast(Translator, make_model(recipe, sizes))


def _encode(tokenizer: SubwordTokenizer, pairs: Sequence[SegmentPair]) -> list[tuple[_Ids, _Ids]]:
    sources = tokenizer.encode_all([pair.source for pair in pairs])
    targets = tokenizer.encode_all([pair.target for pair in pairs])
    return list(zip(sources, targets, strict=True))


def _usable(
    tokenizer: SubwordTokenizer, pairs: Sequence[SegmentPair], config: PairConfig
) -> tuple[list[tuple[_Ids, _Ids]], list[str]]:
    """Return the ids of the pairs to train on, and their sources."""
    ids = _encode(tokenizer, pairs)
    kept = [i for i, pair in enumerate(ids) if _is_usable(pair, config)]
    return [ids[i] for i in kept], [pairs[i].source for i in kept]


def _is_usable(pair: tuple[_Ids, _Ids], config: PairConfig) -> bool:
    short, long = sorted(map(len, pair))
    return long <= config.max_tokens and long <= config.max_ratio * short + 5
