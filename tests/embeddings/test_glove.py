from __future__ import annotations

import math
import random
from collections import defaultdict

import numpy as np
import pytest
import torch

from seqserve.embeddings.glove import Glove, cooccurrences


def counted(texts: list[list[int]], window: int) -> dict[tuple[int, int], float]:
    """Count by the definition: every word adds 1 / distance to those within the window on both sides."""
    counts: dict[tuple[int, int], float] = defaultdict(float)
    for text in texts:
        for i, word in enumerate(text):
            for j in range(max(0, i - window), min(len(text), i + window + 1)):
                if j != i:
                    counts[word, text[j]] += 1 / abs(i - j)
    return counts


@pytest.mark.parametrize("window", [1, 3, 100])
def test_cooccurrences(window: int) -> None:
    rng = random.Random(window)
    texts = [[rng.randrange(6) for _ in range(rng.randrange(9))] for _ in range(20)]
    words, contexts, counts = cooccurrences([np.array(t, np.int64) for t in texts], 6, window)
    found = dict(zip(zip(words.tolist(), contexts.tolist(), strict=True), counts, strict=True))
    expected = counted(texts, window)
    assert len(words) == len(found) and found.keys() == expected.keys()
    assert all(found[pair] == pytest.approx(expected[pair]) for pair in expected)


def test_the_objective_is_that_of_the_paper() -> None:
    model = Glove(5, 3, torch.Generator().manual_seed(0))
    for parameter in model.parameters():  # larger than at the start, so that every term counts
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(1))
    pairs = [(0, 1, 0.5), (1, 0, 0.5), (2, 4, 99.0), (3, 3, 100.0), (4, 2, 2000.0)]
    tables = (model.words, model.contexts, model.word_biases, model.context_biases)
    words, contexts, word_biases, context_biases = (table.weight.tolist() for table in tables)
    expected = 0.0
    for i, j, x in pairs:
        product = sum(w * c for w, c in zip(words[i], contexts[j], strict=True))
        error = product + word_biases[i][0] + context_biases[j][0]
        weight = (x / 100) ** 0.75 if x < 100 else 1.0
        expected += weight * (error - math.log(x)) ** 2
    columns = zip(*pairs, strict=True)
    with torch.no_grad():
        found = model(*(torch.tensor(column) for column in columns))
    assert found.item() == pytest.approx(expected, rel=1e-5)
