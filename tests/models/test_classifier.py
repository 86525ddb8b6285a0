from __future__ import annotations

import pytest
import torch

from seqserve.models.classifier import Classifier, ClassifierConfig, Pooling

POOLINGS: tuple[Pooling, ...] = ("last", "max", "mean", "attention")


def make(pooling: Pooling, bidirectional: bool) -> Classifier:
    torch.manual_seed(5)
    config = ClassifierConfig(
        40, 2, word_dim=8, hidden=6, pooling=pooling, bidirectional=bidirectional
    )
    return Classifier(config).eval()


@pytest.mark.parametrize("bidirectional", [True, False], ids=["bi", "uni"])
@pytest.mark.parametrize("pooling", POOLINGS)
@torch.no_grad()
def test_padding_changes_nothing(pooling: Pooling, bidirectional: bool) -> None:
    model = make(pooling, bidirectional)
    words, lengths = torch.randint(2, 40, (4, 9)), torch.tensor([9, 4, 1, 6])
    batch = model(words, lengths)
    assert batch.shape == (4, 2)
    for row, n in enumerate(lengths.tolist()):
        alone = model(words[row : row + 1, :n], torch.tensor([n]))
        assert (batch[row] - alone[0]).abs().max() < 1e-6


@torch.no_grad()
def test_poolings_differ() -> None:
    words, lengths = torch.randint(2, 40, (1, 9)), torch.tensor([9])
    logits = [make(pooling, True)(words, lengths) for pooling in ("last", "max", "mean")]
    assert not torch.allclose(logits[0], logits[1]) and not torch.allclose(logits[1], logits[2])


@torch.no_grad()
def test_uniform_attention_is_the_mean() -> None:
    attention, mean = make("attention", True), make("mean", True)
    mean.load_state_dict(attention.state_dict(), strict=False)
    assert attention.attention is not None
    attention.attention.weight.zero_()
    words, lengths = torch.randint(2, 40, (2, 9)), torch.tensor([9, 3])
    assert torch.allclose(attention(words, lengths), mean(words, lengths), atol=1e-6)
