from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmarks.models.lstm import EAGER, Batch, LstmCell, torch_sides
from seqserve.models.classifier import Classifier, ClassifierConfig
from tests.benchmarks.models.made_up import LENGTHS, comparison


@pytest.fixture(scope="module")
def model() -> Classifier:
    torch.manual_seed(0)
    return Classifier(ClassifierConfig(n_words=20, n_labels=3, word_dim=16, hidden=24)).eval()


WORDS, N_TOKENS = torch.tensor([[3, 4, 5], [6, 7, 0]]), torch.tensor([3, 2])
BATCH = Batch.of((WORDS.numpy(), N_TOKENS.numpy()))


def test_every_torch_side_computes_the_model_and_leaves_it_alone(model: Classifier) -> None:
    sides = torch_sides(model)
    bf16 = ["torch bf16"] if torch.ops.mkldnn._is_mkldnn_bf16_supported() else []
    assert list(sides) == [EAGER, "torch int8", *bf16]
    with torch.inference_mode():
        expected: Tensor = model(WORDS, N_TOKENS)
    errors = {}
    for name, side in sides.items():
        answer = side(BATCH)
        assert isinstance(answer, Tensor) and answer.shape == (2, 3)
        errors[name] = float((answer.float() - expected).abs().max())
    assert errors[EAGER] == 0
    assert all(0 < errors[name] < 0.05 for name in ["torch int8", *bf16])
    assert isinstance(model.output, nn.Linear) and model.output.weight.dtype == torch.float32


def cell(**best_ms: float) -> LstmCell:
    times = {name: (ms, ms) for name, ms in best_ms.items()}
    return LstmCell("ner", 8, LENGTHS, comparison(**times))


def test_the_best_torch_variant_is_the_fastest_whatever_ours_is() -> None:
    found = cell(seqserve=1.0, torch=4.0, torch_bf16=2.0, torch_int8=3.0)
    assert found.best_torch == "torch bf16"
    assert found.ratio(found.best_torch).value == 2
    assert found.ratio(EAGER).value == 4
    assert cell(seqserve=9.0, torch=4.0, torch_bf16=5.0).best_torch == EAGER
