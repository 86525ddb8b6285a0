"""Training a tagger: corpus tokens cut as serving cuts them, CRF likelihood, entity F1 on dev."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqserve.arrays import IntArray
from seqserve.config import from_mapping
from seqserve.decode.crf import Transitions, viterbi
from seqserve.errors import ConfigError, DataError
from seqserve.models.tagger import Tagger, TaggerConfig
from seqserve.text.batching import length_batches, pad
from seqserve.text.tagging import TaggerText, TaggerTextConfig, retokenize
from seqserve.text.tags import OUTSIDE
from seqserve.text.vocabulary import UNKNOWN_ID
from seqserve.text.words import Token, lookup_form, tokenize
from seqserve.training.checkpoint import load_text_side, save_text_side
from seqserve.training.data import TaggedSentence, read_tagged
from seqserve.training.metrics import entity_scores
from seqserve.training.recipe import Recipe
from seqserve.training.vectors import Corpus, VectorConfig, start_from_vectors, vector_file


@dataclass(frozen=True)
class NerConfig:
    """The `[text]` table of an NER recipe.

    Args:
        labels: Entity labels, in the order of their tag ids.
        word_dropout: Share of training words that are read as unknown, so that `<unk>` is learnt.
        vectors: Where the word embeddings start from.
        reader: How text becomes ids.
    """

    labels: tuple[str, ...]
    word_dropout: float = 0.05
    vectors: VectorConfig = field(default_factory=VectorConfig)
    reader: TaggerTextConfig = field(default_factory=TaggerTextConfig)

    def __post_init__(self) -> None:
        """Raises ConfigError: there is no label."""
        if not self.labels:
            raise ConfigError("[text] labels is empty; name what is to be found")


class NerTask:
    """What the loop trains: a BiLSTM-CRF on tagged sentences."""

    metric = "f1"

    def __init__(
        self,
        model: Tagger,
        text: TaggerText,
        sentences: tuple[Sequence[TaggedSentence], Sequence[TaggedSentence]],
        word_dropout: float,
        batch_tokens: int,
    ) -> None:
        """Take train and dev `sentences`; the rest as in NerConfig and LoopConfig."""
        self.model = model
        self._text = text
        self._device = next(model.parameters()).device
        self._word_dropout = word_dropout
        self._batch_tokens = batch_tokens
        self._examples = [_example(text, s) for s in chain(*sentences)]
        self._n_train = len(sentences[0])

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Give one pass over the training sentences, batched by length."""
        order = rng.permutation(self._n_train)
        lengths = [len(self._examples[i].words) for i in order]
        batches = [order[batch] for batch in length_batches(lengths, self._batch_tokens)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Give minus the log-likelihood per sentence, and the number of sentences."""
        words, chars, tags, lengths = self._tensors(batch)
        drop = torch.rand(words.shape, device=words.device) < self._word_dropout
        words = words.masked_fill(drop & (words > UNKNOWN_ID), UNKNOWN_ID)
        emissions = self.model(words, chars, lengths).float()
        losses = self.model.crf(emissions, tags, lengths)
        return losses.mean(), len(batch)

    def evaluate(self) -> dict[str, float]:
        """Give entity precision, recall and F1 on dev, of Viterbi tags."""
        dev = np.arange(self._n_train, len(self._examples))
        transitions = transitions_of(self.model)
        gold, predicted = [], []
        lengths = [len(self._examples[i].words) for i in dev]
        for rows in length_batches(lengths, self._batch_tokens * 4):
            words, chars, tags, n = self._tensors(dev[rows])
            emissions = self.model(words, chars, n).float().cpu().numpy()
            best, _ = viterbi(emissions, n.cpu().numpy(), transitions)
            gold += self._tag_names(tags.cpu().numpy(), n.cpu().numpy())
            predicted += self._tag_names(best, n.cpu().numpy())
        return entity_scores(gold, predicted)

    def _tag_names(self, tags: IntArray, lengths: IntArray) -> list[list[str]]:
        names = self._text.scheme.tags
        return [[names[i] for i in row[:n]] for row, n in zip(tags, lengths, strict=True)]

    def _tensors(self, batch: IntArray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Words (B, T), characters (B, T, C), tags (B, T), lengths (B,)."""
        examples = [self._examples[i] for i in batch]
        words, lengths = pad([example.words for example in examples])
        tags, _ = pad([example.tags for example in examples])
        chars = np.zeros((*words.shape, self._text.config.max_chars), dtype=np.int64)
        for row, example in enumerate(examples):
            chars[row, : len(example.words)] = self._text.char_ids(example.tokens)
        first, second, third, fourth = (
            torch.from_numpy(a).to(self._device) for a in (words, chars, tags, lengths)
        )
        return first, second, third, fourth


@dataclass(frozen=True)
class _Example:
    tokens: list[Token]
    words: list[int]
    tags: list[int]


def _example(text: TaggerText, sentence: TaggedSentence) -> _Example:
    tokens, tags = retokenize(sentence.tokens, sentence.tags)
    return _Example(tokens, text.word_ids(tokens), [text.scheme.id_of(tag) for tag in tags])


def transitions_of(model: Tagger) -> Transitions:
    """Give the CRF's potentials as arrays."""
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
    train = list(chain.from_iterable(read_tagged(root, s, "train") for s in recipe.data.train))
    dev = list(chain.from_iterable(read_tagged(root, s, "dev") for s in recipe.data.dev))
    _check_labels(chain(train, dev), config.labels)
    path = directory / "text.json"
    if not path.exists():
        tokens = (retokenize(s.tokens, s.tags)[0] for s in train)
        learnt = TaggerText.learn(config.reader, config.labels, tokens)
        save_text_side(learnt.to_mapping(), path)
    text = TaggerText.from_mapping(load_text_side(path), str(path))
    torch.manual_seed(recipe.loop.seed)
    model = make_tagger(recipe, text).to(device)
    corpus = Corpus((" ".join(s.tokens) for s in train), _forms)
    vectors = vector_file(config.vectors, root, directory, corpus, model.config.word_dim)
    if vectors is not None:
        start_from_vectors(model.words, text.words, vectors)
    return NerTask(model, text, (train, dev), config.word_dropout, recipe.loop.batch_tokens)


def _check_labels(sentences: Iterable[TaggedSentence], labels: Sequence[str]) -> None:
    """Raises DataError: a tag has a label that the recipe does not name."""
    seen = {tag[2:] for sentence in sentences for tag in sentence.tags if tag != OUTSIDE}
    unknown = sorted(seen - set(labels))
    if unknown:
        raise DataError(f"the data have labels {unknown}, the recipe has {sorted(labels)}")


def _forms(text: str) -> list[str]:
    return [lookup_form(token.form) for token in tokenize(text)]


def make_tagger(recipe: Recipe, text: TaggerText) -> Tagger:
    """Make the untrained model that fits the vocabularies."""
    config = recipe.model_config(
        TaggerConfig,
        n_words=len(text.words),
        n_chars=len(text.characters),
        n_tags=len(text.scheme),
    )
    legal_start, legal_moves = text.scheme.allowed()
    return Tagger(config, torch.from_numpy(legal_start), torch.from_numpy(legal_moves))
