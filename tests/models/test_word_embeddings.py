from __future__ import annotations

import torch

from seqserve.models.word_embeddings import WordEmbedding


def test_padding_is_zero_and_learns_nothing() -> None:
    embedding = WordEmbedding(5, 3)
    assert embedding.weight[0].tolist() == [0, 0, 0]
    embedding(torch.tensor([[0, 2]])).sum().backward()
    assert embedding.weight.grad is not None
    assert embedding.weight.grad.abs().sum(1).tolist() == [0, 0, 3, 0, 0]


def test_vectors_replace_their_rows_only() -> None:
    embedding = WordEmbedding(5, 3)
    before = embedding.weight.detach().clone()
    vectors = torch.randn(2, 3)
    embedding.use_vectors(vectors, torch.tensor([4, 2]))
    assert torch.equal(embedding.weight[[4, 2]], vectors)
    assert torch.equal(embedding.weight[[0, 1, 3]], before[[0, 1, 3]])
