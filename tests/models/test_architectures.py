"""What every row of ARCHITECTURES owes: answers do not depend on the other rows of a batch, nor on padding."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqserve.decode.crf import viterbi
from seqserve.errors import ConfigError
from seqserve.models.architectures import ARCHITECTURES
from seqserve.models.averaging import AveragingConfig
from seqserve.models.capsule import Capsule, CapsuleConfig, route, squash
from seqserve.models.classifier import TextClassifier
from seqserve.models.cnn import CnnClassifierConfig, CnnTaggerConfig, TokenConvolution
from seqserve.models.cnn_lstm import CnnLstmConfig
from seqserve.models.decoders import TagSoftmax
from seqserve.models.pooling import token_mask
from seqserve.models.recurrent import RecurrentClassifierConfig
from seqserve.models.self_attention import SelfAttention, SelfAttentionConfig
from seqserve.models.tagger import CrfTagger, LinearChainCrf
from seqserve.tasks import Task
from seqserve.training.ner import transitions_of

LABELS = ("PER", "LOC")
SIZES = {"n_words": 30, "n_chars": 20, "n_tags": 5, "n_labels": 2}
LENGTHS = (7, 1, 4)


def made(task: Task, name: str, **settings: Any) -> nn.Module:
    torch.manual_seed(11)
    architecture = ARCHITECTURES[task][name]
    model = architecture.build(architecture.config_of(settings, SIZES, "test"), LABELS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.5)
    return model.eval()


VARIANTS: dict[str, tuple[Task, str, dict[str, Any]]] = {
    **{f"sentiment {name}": ("sentiment", name, {}) for name in ARCHITECTURES["sentiment"]},
    **{f"ner {name}": ("ner", name, {}) for name in ARCHITECTURES["ner"]},
    **{
        f"pooling {pooling}": ("sentiment", "recurrent", {"pooling": pooling})
        for pooling in ("last", "max", "mean", "attention")
    },
    "even filters": ("sentiment", "cnn", {"widths": (2, 4)}),
    "no hidden layer": ("sentiment", "averaging", {"layers": 0}),
    "two layers": ("sentiment", "self-attention", {"layers": 2}),
    "softmax": ("ner", "recurrent", {"decoder": "softmax", "cell": "gru"}),
    "window": ("ner", "cnn", {"decoder": "softmax", "layers": 1}),
}


@pytest.mark.parametrize(("task", "name", "settings"), VARIANTS.values(), ids=VARIANTS)
@torch.no_grad()
def test_a_row_does_not_depend_on_its_batch(
    task: Task, name: str, settings: dict[str, Any]
) -> None:
    model = made(task, name, **settings)
    inputs = [torch.randint(1, 30, (3, 7))]
    if isinstance(model, CrfTagger):
        inputs.append(torch.randint(0, 20, (3, 7, 9)))
    together = model(*inputs, torch.tensor(LENGTHS))
    assert together.std() > 0.01
    for row, n in enumerate(LENGTHS):
        alone = model(*(x[row : row + 1, :n] for x in inputs), torch.tensor([n]))[0]
        of_batch = together[row] if isinstance(model, TextClassifier) else together[row, :n]
        assert (of_batch - alone).abs().max() < 1e-4 * alone.abs().max()


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
@torch.no_grad()
def test_a_filter_sees_a_window_of_words(width: int) -> None:
    torch.manual_seed(0)
    layer, x = TokenConvolution(4, 6, width), torch.randn(1, 5, 4)
    features = layer(x, token_mask(x, torch.tensor([3])))
    weight, bias = layer.convolution.weight, layer.convolution.bias
    before = (width - 1) // 2
    words = [x[0, i] if 0 <= i < 3 else torch.zeros(4) for i in range(-5, 10)]
    for t in range(3):
        window = torch.stack(words[5 + t - before : 5 + t - before + width], 1)  # (4, width)
        expected = ((weight * window).sum((1, 2)) + bias).relu()
        assert torch.allclose(features[0, t], expected, atol=1e-5)


@torch.no_grad()
def test_routing_is_what_the_paper_says() -> None:
    votes = torch.randn(1, 4, 2, 3)
    u, b, v = votes[0].numpy(), np.zeros((4, 2)), np.zeros((2, 3))
    for _ in range(3):
        c = np.exp(b) / (1 + np.exp(b).sum(1, keepdims=True))  # leaky: one more entry of exp(0)
        s = np.einsum("ij,ije->je", c, u)
        n2 = (s**2).sum(1, keepdims=True)
        v = n2 / (1 + n2) * s / np.sqrt(n2)
        b += np.einsum("ije,je->ij", u, v)
    assert np.allclose(route(votes, 3)[0].numpy(), s, atol=1e-4)
    assert np.allclose(squash(torch.from_numpy(s)).numpy(), v, atol=1e-4)
    length = np.linalg.norm(v, axis=1)
    assert np.allclose(np.log(length / (1 - length)), np.log(n2[:, 0]), atol=1e-4)


@torch.no_grad()
def test_votes_that_agree_count_more() -> None:
    agreeing, scattered = torch.tensor([1.0, 0]).repeat(6, 1), torch.randn(6, 2)
    scattered = scattered / scattered.norm(dim=1, keepdim=True)
    votes = torch.stack([agreeing, scattered], 1)[None]  # (1, 6, 2, 2)
    once, thrice = (route(votes, steps).norm(dim=2)[0] for steps in (1, 3))
    assert thrice[0] / thrice[1] > once[0] / once[1]


@torch.no_grad()
def test_attention_sees_the_order_of_words() -> None:
    model = made("sentiment", "self-attention")
    assert isinstance(model, SelfAttention)
    words, lengths = torch.tensor([[3, 4, 5]]), torch.tensor([3])
    assert (model(words, lengths) - model(words.flip(1), lengths)).abs().max() > 1e-3
    average = made("sentiment", "averaging")
    assert (average(words, lengths) - average(words.flip(1), lengths)).abs().max() < 1e-4


def softmax_and_crf() -> tuple[TagSoftmax, LinearChainCrf]:
    """A softmax per token, and a CRF whose transitions are all 0."""
    crf = LinearChainCrf(torch.ones(3).bool(), torch.ones(3, 3).bool())
    with torch.no_grad():
        crf.moves.zero_()
    return TagSoftmax(3), crf


def test_a_softmax_is_a_crf_without_transitions() -> None:
    softmax, crf = softmax_and_crf()
    assert not list(softmax.parameters())
    emissions = torch.randn(3, 5, 3)
    tags, lengths = torch.randint(0, 3, (3, 5)), torch.tensor([5, 1, 3])
    of_tokens = nn.functional.cross_entropy(
        emissions.flatten(0, 1), tags.flatten(), reduction="none"
    )
    real = torch.arange(5) < lengths[:, None]
    expected = (of_tokens.view(3, 5) * real).sum(1)
    for one in (softmax, crf):
        assert torch.allclose(one(emissions, tags, lengths), expected, atol=1e-4)
    allowed = torch.rand(3, 5, 3) < 0.5
    allowed |= nn.functional.one_hot(tags, 3).bool()
    partial: list[Tensor] = [
        one.partial_loss(emissions, allowed, lengths) for one in (softmax, crf)
    ]
    assert torch.allclose(*partial, atol=1e-3)


@torch.no_grad()
def test_the_best_path_of_a_softmax_is_the_argmax_of_every_token() -> None:
    model = made("ner", "cnn", decoder="softmax")
    assert isinstance(model, CrfTagger)
    emissions, lengths = torch.randn(4, 6, 5).numpy(), np.array([6, 1, 3, 6])
    best, _ = viterbi(emissions, lengths, transitions_of(model))
    for row, n in enumerate(lengths):
        assert best[row, :n].tolist() == emissions[row, :n].argmax(1).tolist()


REFUSED: dict[str, tuple[type[Any], dict[str, Any], str]] = {
    "layers": (RecurrentClassifierConfig, {"layers": 0}, r"\[model\] layers is 0; it must be"),
    "hidden": (RecurrentClassifierConfig, {"hidden": -1}, r"\[model\] hidden is -1"),
    "width": (CnnTaggerConfig, {"width": 0}, r"\[model\] width is 0"),
    "steps": (CapsuleConfig, {"routing_steps": 0}, r"\[model\] routing_steps is 0"),
    "no width": (CnnClassifierConfig, {"widths": ()}, r"\[model\] widths is \[\]; it must be"),
    "widths": (CnnClassifierConfig, {"widths": (3, 0)}, r"\[model\] widths is \[3, 0\]"),
    "capsule width": (CapsuleConfig, {"width": 0}, r"\[model\] width is 0"),
    "cnn-lstm": (CnnLstmConfig, {"width": 0}, r"\[model\] width is 0"),
    "averaging": (AveragingConfig, {"layers": -1}, r"\[model\] layers is -1; it must be 0"),
    "no heads": (SelfAttentionConfig, {"heads": 0}, r"\[model\] heads is 0"),
    "no layers": (SelfAttentionConfig, {"layers": 0}, r"\[model\] layers is 0"),
    "heads": (SelfAttentionConfig, {"heads": 3}, "d_model 128 is not divisible by 3 heads"),
}


@pytest.mark.parametrize(("kind", "settings", "message"), REFUSED.values(), ids=REFUSED)
def test_sizes_that_cannot_be_are_refused(
    kind: type[Any], settings: dict[str, Any], message: str
) -> None:
    sizes = {one.name: 2 for one in fields(kind) if one.default is MISSING}
    with pytest.raises(ConfigError, match=message):
        kind(**sizes, **settings)


def test_no_dropout_changes_the_logits_of_capsules() -> None:
    model = Capsule(CapsuleConfig(n_words=5, n_labels=3, dropout=0.5)).train()
    x, lengths = torch.randn(2, 4, model.config.word_dim), torch.tensor([4, 3])
    assert torch.equal(model.classify(x, lengths), model.encode(x, lengths))
