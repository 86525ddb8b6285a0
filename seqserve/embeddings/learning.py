"""Learn word vectors from texts: word2vec and fastText by gensim, GloVe by our own file.

The same texts and settings produce the same vectors: one thread, seeded.

Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality"
(skip-gram, CBOW, negative sampling, hierarchical softmax, subsampling); Bojanowski et al. 2017 (fastText);
Pennington et al. 2014 (GloVe).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from seqserve.embeddings.vectors import LONGEST, SHORTEST, WordVectors
from seqserve.errors import DataError
from seqserve.text.vocabulary import Vocabulary

Method = Literal["skip-gram", "cbow", "fasttext", "glove"]
Softmax = Literal["negative", "hierarchical"]
EPOCHS: dict[Method, int] = {"skip-gram": 5, "cbow": 5, "fasttext": 5, "glove": 25}
"""Passes over the texts, or the co-occurrences of GloVe: the defaults of the programs of the authors."""

_N_NEGATIVE = 5
_N_BUCKETS = 50_000  # rows of the n-grams: 10 MB in fp16 at 100 dimensions
_MAX_TOKENS = 10_000  # gensim leaves out what is beyond in a text


@dataclass(frozen=True)
class LearningConfig:
    """How vectors are learnt.

    Args:
        method: `fasttext` is skip-gram with n-grams.
        dimensions: D.
        window: Words on each side that are the context of a word.
        epochs: Passes over the texts.
        min_count: Words that occur less often are left out.
        seed: Of the initial vectors, and of everything that is drawn.
        softmax: Of word2vec and fastText: against 5 drawn words, or along the Huffman tree of all words.
        subsampling: Of word2vec and fastText: words that are more frequent than this share of the text are
            left out at random; 0: none is.
    """

    method: Method = "skip-gram"
    dimensions: int = 100
    window: int = 5
    epochs: int = 5
    min_count: int = 5
    seed: int = 1
    softmax: Softmax = "negative"
    subsampling: float = 1e-3

    def settings(self) -> dict[str, Any]:
        """Return the settings that have an effect on the method, without its name."""
        without = {"method", *(("softmax", "subsampling") if self.method == "glove" else ())}
        return {name: value for name, value in asdict(self).items() if name not in without}


def learn(texts: Iterable[Sequence[str]], config: LearningConfig) -> WordVectors:
    """Learn the vectors of all words that are frequent enough.

    Args:
        texts: Tokens of each text, in their looked-up form.
        config: How.

    Raises:
        DataError: The texts have no two words beside each other that are frequent enough.
    """
    if config.method != "glove":
        learnt = learn_by_gensim(texts, config)
        return WordVectors(
            tuple(learnt.index_to_key), learnt.vectors, getattr(learnt, "vectors_ngrams", None)
        )
    from seqserve.embeddings.glove import learn_glove

    sentences = _sentences(texts, config.min_count)
    words = Vocabulary.count((w for one in sentences for w in one), config.min_count).symbols
    ids = {word: row for row, word in enumerate(words)}
    rows = [np.array([ids[w] for w in one if w in ids], np.int64) for one in sentences]
    names = ("dimensions", "window", "epochs", "seed")
    return WordVectors(
        words, learn_glove(rows, len(words), **{name: getattr(config, name) for name in names})
    )


def learn_by_gensim(texts: Iterable[Sequence[str]], config: LearningConfig) -> Any:
    """Return the `KeyedVectors` of gensim; arguments and errors are those of `learn`."""
    from gensim.models import FastText, Word2Vec

    is_fasttext = config.method == "fasttext"
    ngrams = {"min_n": SHORTEST, "max_n": LONGEST, "bucket": _N_BUCKETS} if is_fasttext else {}
    is_hierarchical = config.softmax == "hierarchical"
    return (FastText if is_fasttext else Word2Vec)(
        sentences=_sentences(texts, config.min_count),
        vector_size=config.dimensions,
        epochs=config.epochs,
        sg=int(config.method != "cbow"),
        hs=int(is_hierarchical),
        negative=0 if is_hierarchical else _N_NEGATIVE,
        window=config.window,
        min_count=config.min_count,
        sample=config.subsampling,
        workers=1,
        seed=config.seed,
        hashfxn=lambda word: zlib.crc32(str(word).encode()),
        **ngrams,
    ).wv


def _sentences(texts: Iterable[Sequence[str]], min_count: int) -> list[list[str]]:
    """Return texts, those that are too long in parts.

    Raises:
        DataError: No text has two words that occur `min_count` times.
    """
    sentences = [
        list(text[i : i + _MAX_TOKENS]) for text in texts for i in range(0, len(text), _MAX_TOKENS)
    ]
    counts = Counter(word for sentence in sentences for word in sentence)
    if not counts:
        raise DataError("the texts hold no words")
    if not any(sum(counts[w] >= min_count for w in one) > 1 for one in sentences):
        raise DataError(
            f"none of the {len(sentences):,} texts has two words that occur {min_count} times: "
            "train on more text, or allow rarer words (min count)"
        )
    return sentences
