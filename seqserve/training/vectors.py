"""Word vectors to start from: read from a file, or learnt here from text without labels.

The file format is the one that GloVe, word2vec and fastText share: a word and its numbers a line, with or
without a first line of two counts. Learning is that of `seqserve.embeddings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from seqserve.embeddings.learning import LearningConfig, learn_by_gensim
from seqserve.errors import ConfigError, DataError
from seqserve.files import written_whole
from seqserve.models.word_embeddings import WordEmbedding
from seqserve.text.vocabulary import Vocabulary
from seqserve.text.words import normalize_token
from seqserve.training.data import read_vectors


@dataclass(frozen=True)
class VectorConfig:
    """Where the start vectors come from; neither: random ones.

    Args:
        file: Vector file below the data root, plain or `.xz`.
        learn: Learn vectors from the training texts and those without labels, once per run.
        epochs: Passes over the texts when learning.
    """

    file: str | None = None
    learn: bool = False
    epochs: int = 3


def start_from_vectors(embedding: WordEmbedding, vocabulary: Vocabulary, path: Path) -> float:
    """Set the embeddings of all words that a vector file has; narrower vectors set the first columns.

    Args:
        embedding: Of the model that is about to be trained.
        vocabulary: Its words.
        path: The vector file.

    Returns:
        The share of the vocabulary that got a vector.

    Raises:
        DataError: A line does not hold a word and as many numbers as the first one, or more than
            the embedding is wide.
    """
    word_dim = embedding.embedding_dim
    vectors: dict[int, list[float]] = {}

    def is_wanted(word: str) -> bool:
        row = vocabulary[normalize_token(word)]
        return row != Vocabulary.unknown_id and row not in vectors

    for number, word, values in read_vectors(path.parent, path.name, is_wanted):
        if len(values) > word_dim:
            raise DataError(f"{path}, line {number}: {len(values)} numbers; word_dim is {word_dim}")
        vectors[vocabulary[normalize_token(word)]] = values
    if not vectors:
        raise DataError(f"{path} has a vector for none of the {len(vocabulary)} words")
    embedding.use_vectors(torch.tensor(list(vectors.values())), torch.tensor(list(vectors)))
    return len(vectors) / len(vocabulary)


@dataclass(frozen=True)
class Corpus:
    """What vectors can be learnt from.

    Args:
        texts: The training texts, and those without labels.
        forms: Cuts a text into looked-up forms, as the task's preprocessor does.
    """

    texts: Iterable[str]
    forms: Callable[[str], list[str]]


@dataclass(frozen=True)
class VectorSource:
    """Where vectors are read from, or learnt from and written to: data root, run directory and corpus."""

    root: Path
    directory: Path
    corpus: Corpus


def vector_file(
    config: VectorConfig, root: Path, directory: Path, corpus: Corpus, word_dim: int
) -> Path | None:
    """Return the vector file that a config means; learns it where it says so.

    Args:
        config: Where the vectors come from.
        root: Where the data sets are.
        directory: The run; a learnt file lies there, and is kept when the run is resumed.
        corpus: Read only when learning.
        word_dim: Width of the vectors.

    Returns:
        The file, or None where the config names no vectors.

    Raises:
        ConfigError: The config names a file and wants to learn one as well.
    """
    if config.file and config.learn:
        raise ConfigError("[text.vectors]: give a file, or learn = true, not both")
    if config.file:
        return root / config.file.removesuffix(".xz")
    if not config.learn:
        return None
    path = directory / "vectors.txt"
    if not path.exists():
        learn_vectors(map(corpus.forms, corpus.texts), word_dim, config.epochs, path)
    return path


def start_embeddings(
    model: nn.Module, vocabulary: Vocabulary, config: VectorConfig, source: VectorSource
) -> None:
    """Start a model's word embeddings from the vectors that a config means, if it means any.

    Raises:
        ConfigError: The model has no `WordEmbedding` called `words`, or see `vector_file`.
    """
    if not (config.file or config.learn):
        return
    words = getattr(model, "words", None)
    if not isinstance(words, WordEmbedding):
        raise ConfigError("[text.vectors]: this architecture has no word embeddings to start from")
    path = vector_file(config, source.root, source.directory, source.corpus, words.embedding_dim)
    if path is not None:
        start_from_vectors(words, vocabulary, path)


def learn_vectors(texts: Iterable[Sequence[str]], word_dim: int, epochs: int, path: Path) -> None:
    """Learn skip-gram vectors and write them as a text file; the same texts produce the same file.

    Args:
        texts: Tokens of each text, in their looked-up form.
        word_dim: Width of the vectors.
        epochs: Passes over the texts.
        path: Where to.

    Raises:
        DataError: No text has two words that occur twice.
    """
    config = LearningConfig(dimensions=word_dim, epochs=epochs, min_count=2, subsampling=1e-4)
    with written_whole(path) as partial:
        learn_by_gensim(texts, config).save_word2vec_format(str(partial))
