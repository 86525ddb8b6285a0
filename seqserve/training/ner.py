"""Training a tagger: corpus tokens cut as serving cuts them, CRF likelihood, entity F1 on dev."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import IntArray
from seqserve.config import from_mapping
from seqserve.decode.crf import Transitions, viterbi
from seqserve.errors import ConfigError, DataError
from seqserve.models.tagger import CrfTagger
from seqserve.text.batching import length_batches, pad
from seqserve.text.tagging import WordTokenEncoder, WordTokenEncoderConfig, retokenize
from seqserve.text.tags import OUTSIDE
from seqserve.text.words import Token, normalize_tokens
from seqserve.training.augmentation import Augmentation, AugmentationConfig
from seqserve.training.checkpoint import load_preprocessor, save_preprocessor
from seqserve.training.data import TaggedSentence, TrainingTexts, read_tagged
from seqserve.training.metrics import entity_scores, weighted_mean
from seqserve.training.models import make_model
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.sampling import epoch_examples
from seqserve.training.vectors import Corpus, VectorConfig, VectorSource, start_embeddings

_TaggedSet = tuple[DataSet, Sequence[TaggedSentence]]


@dataclass(frozen=True)
class NerConfig:
    """The `[text]` table of an NER recipe.

    Args:
        labels: Entity labels, in the order of their tag ids.
        word_dropout: Share of training words that are read as unknown, so that `<unk>` is learnt.
        unlabelled: Files of texts without labels below the data root: objects with a `text` (`.jsonl`),
            sentences (`.conll`) or one text a line; word vectors are learnt from them as well, and they
            add words.
        vectors: Initial word embeddings.
        reader: How text is converted to ids.
        augmentation: Variants of the training sentences.
    """

    labels: tuple[str, ...]
    word_dropout: float = 0.05
    unlabelled: tuple[str, ...] = ()
    vectors: VectorConfig = field(default_factory=VectorConfig)
    reader: WordTokenEncoderConfig = field(default_factory=WordTokenEncoderConfig)
    augmentation: AugmentationConfig | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError: there is no label."""
        if not self.labels:
            raise ConfigError("[text] labels is empty; name what is to be found")


class NerTask:
    """What the loop trains: a BiLSTM-CRF on tagged sentences."""

    metric = "f1"

    def __init__(
        self,
        model: CrfTagger,
        text: WordTokenEncoder,
        sets: tuple[Sequence[ExampleSet], Sequence[ExampleSet]],
        config: NerConfig,
        batch_tokens: int,
        augmentation: Augmentation | None = None,
    ) -> None:
        """Take the training and the dev `sets`; the rest as in NerConfig and LoopConfig."""
        self.model = model
        self._text = text
        self._device = next(model.parameters()).device
        self._config = config
        self._batch_tokens = batch_tokens
        self._augmentation = augmentation
        train, self._dev = sets
        self._examples = [example for one in train for example in one.examples]
        self._weights = [one.dataset.weight for one in train]
        self._sizes = [len(one.examples) for one in train]
        self._is_partial = np.array(
            [example.labels != text.scheme.labels for example in self._examples]
        )

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return one pass over the training sentences, batched by length; partly labelled ones apart."""
        batches = []
        drawn = epoch_examples(self._weights, self._sizes, rng)
        for is_partial in (False, True):
            order = rng.permutation(drawn[self._is_partial[drawn] == is_partial])
            lengths = [len(self._examples[i].words) for i in order]
            batches += [order[batch] for batch in length_batches(lengths, self._batch_tokens)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return minus the log-likelihood per sentence, and the number of sentences."""
        examples = self._variants([self._examples[i] for i in batch])
        words, chars, forms, tags, lengths = self._tensors(examples)
        unknown = self._text.words.unknown_id
        drop = torch.rand(words.shape, device=words.device) < self._config.word_dropout
        words = words.masked_fill(drop & (words > unknown), unknown)
        emissions = self.model.emissions_by_form(words, chars, forms, lengths).float()
        if self._is_partial[batch[0]]:
            losses = self.model.crf.partial_loss(emissions, self._allowed(examples, tags), lengths)
        else:
            losses = self.model.crf(emissions, tags, lengths)
        return losses.mean(), len(batch)

    def _variants(self, examples: list[Example]) -> list[Example]:
        """Return what the model reads instead of training sentences; torch's generator decides."""
        if self._augmentation is None:
            return examples
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        return [
            example(self._text, self._augmentation(one.sentence, rng), one.labels)
            for one in examples
        ]

    def _allowed(self, examples: Sequence[Example], tags: Tensor) -> Tensor:
        """Tags (B, T) -> (B, T, K) bool: outside may also be any label that the set does not annotate."""
        scheme = self._text.scheme
        allowed = F.one_hot(tags, len(scheme)).bool()
        hidden = [[tag[2:] not in one.labels for tag in scheme.tags] for one in examples]
        is_hidden = torch.tensor(hidden, device=tags.device)  # (B, K), true for outside as well
        outside = scheme.id_of(OUTSIDE)
        return allowed | ((tags == outside)[:, :, None] & is_hidden[:, None])

    def evaluate(self) -> dict[str, float]:
        """Return the weighted mean over the dev sets of entity precision, recall and F1 of Viterbi tags."""
        scores = [self._scores(one.examples) for one in self._dev]
        weights = [one.dataset.weight for one in self._dev]
        mean = weighted_mean(scores, weights)
        if len(scores) == 1:
            return mean
        each = {
            f"f1_{s.dataset.name}": of_set["f1"]
            for s, of_set in zip(self._dev, scores, strict=True)
        }
        return mean | each

    def _scores(self, examples: Sequence[Example]) -> dict[str, float]:
        transitions = transitions_of(self.model)
        gold, predicted = [], []
        lengths = [len(one.words) for one in examples]
        for rows in length_batches(lengths, self._batch_tokens * 4):
            batch = [examples[i] for i in rows]
            words, chars, forms, tags, n = self._tensors(batch)
            emissions = self.model.emissions_by_form(words, chars, forms, n).float().cpu().numpy()
            best, _ = viterbi(emissions, n.cpu().numpy(), transitions)
            gold += self._tag_names(batch, tags.cpu().numpy())
            predicted += self._tag_names(batch, best)
        return entity_scores(gold, predicted)

    def _tag_names(self, examples: Sequence[Example], tags: IntArray) -> list[list[str]]:
        """Tags (B, T) -> names of each row; labels that the row's set does not annotate are outside."""
        names = self._text.scheme.tags
        return [
            [names[i] if names[i][2:] in e.labels else OUTSIDE for i in row[: len(e.words)]]
            for row, e in zip(tags, examples, strict=True)
        ]

    def _tensors(self, examples: Sequence[Example]) -> list[Tensor]:
        """Words (B, T), characters (N, C) of distinct tokens, indices (B, T) of those, tags, lengths."""
        words, lengths = pad([example.words for example in examples])
        tags, _ = pad([example.tags for example in examples])
        forms = {token.form: token for example in examples for token in example.tokens}
        row_of = {form: row for row, form in enumerate(forms)}
        rows, _ = pad([[row_of[token.form] for token in example.tokens] for example in examples])
        chars = self._text.char_ids(list(forms.values()))
        arrays = (words, chars, rows, tags, lengths)
        return [torch.from_numpy(array).to(self._device) for array in arrays]


@dataclass(frozen=True)
class Example:
    """A sentence as the tagger reads it.

    Args:
        tokens: T tokens.
        words: (T,) word ids.
        tags: (T,) tag ids.
        labels: What its data set annotates.
        sentence: Of the data set.
    """

    tokens: list[Token]
    words: list[int]
    tags: list[int]
    labels: tuple[str, ...]
    sentence: TaggedSentence


@dataclass(frozen=True)
class ExampleSet:
    """A data set and its sentences as the tagger reads them."""

    dataset: DataSet
    examples: Sequence[Example]


def example(text: WordTokenEncoder, sentence: TaggedSentence, labels: tuple[str, ...]) -> Example:
    """Read a sentence of a data set that annotates `labels`; entities of others count as outside."""
    tokens, tags = retokenize(sentence.tokens, sentence.tags)
    kept = [tag if tag[2:] in labels else OUTSIDE for tag in tags]
    ids = [text.scheme.id_of(tag) for tag in kept]
    return Example(tokens, text.word_ids(tokens), ids, labels, sentence)


def transitions_of(model: CrfTagger) -> Transitions:
    """Return the CRF's potentials as arrays."""
    start, matrix, end = (p.detach().cpu().numpy() for p in model.crf.potentials())
    return Transitions(start, matrix, end)


def prepare(recipe: Recipe, root: Path, directory: Path, device: torch.device) -> NerTask:
    """Read the data, collect or load the vocabularies, and make the task.

    Args:
        recipe: What to train.
        root: Where the data sets are.
        directory: The run; gets `text.json`, and keeps it when the run is resumed.
        device: Where to train.
    """
    config = from_mapping(NerConfig, recipe.text, f"{recipe.name} [text]")
    train = [(s, read_tagged(root, s, "train")) for s in recipe.data.train]
    dev = [(s, read_tagged(root, s, "dev")) for s in recipe.data.dev]
    sentences = [sentence for _, of_set in train for sentence in of_set]
    _check_labels(chain(train, dev), config.labels)
    path = directory / "text.json"
    if not path.exists():
        tokens = (retokenize(s.tokens, s.tags)[0] for s in sentences)
        unlabelled = TrainingTexts([], root, config.unlabelled)
        learnt = WordTokenEncoder.learn(config.reader, config.labels, tokens, unlabelled)
        save_preprocessor(learnt.to_mapping(), path)
    text = WordTokenEncoder.from_mapping(load_preprocessor(path), str(path))
    torch.manual_seed(recipe.loop.seed)
    model = make_tagger(recipe, text).to(device)
    labelled = [" ".join(s.tokens) for s in sentences]
    corpus = Corpus(TrainingTexts(labelled, root, config.unlabelled), normalize_tokens)
    start_embeddings(model, text.words, config.vectors, VectorSource(root, directory, corpus))

    def examples(sets: Sequence[_TaggedSet]) -> list[ExampleSet]:
        return [
            ExampleSet(d, [example(text, one, d.labels or config.labels) for one in sentences])
            for d, sentences in sets
        ]

    pair = (examples(train), examples(dev))
    augmentation = Augmentation(config.augmentation, root) if config.augmentation else None
    return NerTask(model, text, pair, config, recipe.loop.batch_tokens, augmentation)


def _check_labels(sets: Iterable[_TaggedSet], labels: Sequence[str]) -> None:
    """Raises DataError: a set has, or is said to annotate, a label that the recipe does not name."""
    for dataset, sentences in sets:
        seen = {tag[2:] for sentence in sentences for tag in sentence.tags if tag != OUTSIDE}
        unknown = sorted((seen | set(dataset.labels)) - set(labels))
        if unknown:
            raise DataError(f"{dataset.path} has labels {unknown}, the recipe has {sorted(labels)}")


def make_tagger(recipe: Recipe, text: WordTokenEncoder) -> CrfTagger:
    """Make the untrained model that fits the vocabularies."""
    sizes = {
        "n_words": len(text.words),
        "n_chars": len(text.characters),
        "n_tags": len(text.scheme),
    }
    return cast(CrfTagger, make_model(recipe, sizes, text.scheme.labels))
