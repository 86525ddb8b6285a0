from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.models.ctranslate import convert, marian_model
from benchmarks.models.translators import (
    Peer,
    PeerSettings,
    compute_types,
    most_tokens,
    symbols_of,
    tokens_of,
)
from model_export.checks.torch_reference import torch_search
from seqserve.decode.search import SearchOptions
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS

CONFIG = TransformerConfig(
    48, d_model=32, heads=4, encoder_layers=2, decoder_layers=2, ffn_dim=48, dropout=0.0
)
SOURCES = [[3 + i % 40, *range(5, 5 + i % 7), 1] for i in range(60)]


def random_model(special_bias: float) -> Transformer:
    """A model whose searches end or not, with a vector for padding; the bias is that of padding and unknown."""
    torch.manual_seed(7)
    made = Transformer(CONFIG).eval()
    with torch.no_grad():
        made.shared.weight.normal_(std=0.3)
        for name, parameter in made.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            elif name != "shared.weight":
                parameter.mul_(3)
        made.output_bias[:3] += torch.tensor([special_bias, 2, special_bias])
    return made


@pytest.fixture(scope="module")
def model() -> Transformer:
    return random_model(special_bias=-30)


@pytest.fixture(scope="module")
def converted(model: Transformer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(model, "fp32", tmp_path_factory.mktemp("peer") / "model")


def answers_of_torch(model: Transformer, beam: int) -> list[tuple[int, ...]]:
    limit = most_tokens(SOURCES)
    sentences = [SearchRequest(ids, limit, SearchOptions(beam)) for ids in SOURCES]
    torch_search(model, SPECIALS)(sentences)
    return [tokens_of(sentence.best[0]) for sentence in sentences]


def answers_of_peer(directory: Path, beam: int) -> list[tuple[int, ...]]:
    peer = Peer(directory, PeerSettings.plain("fp32"))
    return [tuple(map(int, answer)) for answer in peer.search(symbols_of(SOURCES), beam)]


@pytest.mark.parametrize("beam", [1, 2, 4])
def test_fp32_gives_the_tokens_of_torch(model: Transformer, converted: Path, beam: int) -> None:
    expected, actual = answers_of_torch(model, beam), answers_of_peer(converted, beam)
    ended = [i for i, answer in enumerate(expected) if answer[-1] == 1]
    assert len(ended) > 10 and len(set(expected)) > 10  # else nothing is compared
    assert [actual[i] for i in ended] == [expected[i] for i in ended]


def test_padding_and_unknown_never_come_out(tmp_path: Path) -> None:
    tempted = random_model(special_bias=4)
    actual = answers_of_peer(convert(tempted, "fp32", tmp_path / "model"), 1)
    assert actual == answers_of_torch(tempted, 1)
    assert not {0, 2} & {token for answer in actual for token in answer}


def test_conversion_leaves_the_model_as_it_was(model: Transformer, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    convert(model, "int8", tmp_path / "int8")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@torch.no_grad()
def test_marian_gives_our_logits(model: Transformer) -> None:
    source, target = torch.tensor([[5, 6, 1]]), torch.tensor([[0, 7, 8]])
    theirs = marian_model(model)(input_ids=source, decoder_input_ids=target).logits
    assert np.allclose(theirs.numpy(), model(source, target).numpy(), atol=1e-4)


def test_every_precision_has_a_compute_type_here() -> None:
    assert "int8" in compute_types("int8") and compute_types("fp32") == ["float32"]
