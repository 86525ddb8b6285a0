"""Every recurrent cell does what its equations say, in any layer, whatever stands in the padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqserve.arrays import IntArray
from seqserve.models.cells import CELLS, Cell
from seqserve.models.recurrent import RecurrentConfig, RecurrentEncoder
from seqserve.training import loop
from seqserve.training.recipe import LoopConfig

Array = NDArray[np.float32]
Weights = dict[str, Array]

D, H = 4, 3


def logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def elman(w: Weights, x: Array, state: list[Array]) -> list[Array]:
    h = state[0]
    return [np.tanh(w["input.weight"] @ x + w["input.bias"] + w["recurrent.weight"] @ h)]


def jordan(w: Weights, x: Array, state: list[Array]) -> list[Array]:
    (h,) = elman(w, x, state)  # the state is the last output
    return [np.tanh(w["output.weight"] @ h + w["output.bias"])]


def gru(w: Weights, x: Array, state: list[Array]) -> list[Array]:
    h = state[0]
    reset_x, update_x, new_x = np.split(w["weight_ih_l0"] @ x + w["bias_ih_l0"], 3)
    reset_h, update_h, new_h = np.split(w["weight_hh_l0"] @ h + w["bias_hh_l0"], 3)
    reset, update = logistic(reset_x + reset_h), logistic(update_x + update_h)
    return [(1 - update) * np.tanh(new_x + reset * new_h) + update * h]


def lstm(w: Weights, x: Array, state: list[Array]) -> list[Array]:
    h, c = state
    gates = w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
    enter, keep, new, leave = np.split(gates, 4)
    c = logistic(keep) * c + logistic(enter) * np.tanh(new)
    return [logistic(leave) * np.tanh(c), c]


def lstm_peephole(w: Weights, x: Array, state: list[Array]) -> list[Array]:
    h, c = state
    gates = w["input.weight"] @ x + w["input.bias"] + w["recurrent.weight"] @ h
    enter, keep, new, leave = np.split(gates, 4)
    i, f = logistic(enter + w["to_enter"] * c), logistic(keep + w["to_keep"] * c)
    c = f * c + i * np.tanh(new)
    return [logistic(leave + w["to_leave"] * c) * np.tanh(c), c]


REFERENCES: dict[Cell, Callable[[Weights, Array, list[Array]], list[Array]]] = {
    "elman": elman,
    "jordan": jordan,
    "gru": gru,
    "lstm": lstm,
    "lstm-peephole": lstm_peephole,
}


def random_cell(cell: Cell) -> nn.Module:
    torch.manual_seed(3)
    made = CELLS[cell](D, H)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def by_reference(cell: Cell, made: nn.Module, x: Tensor) -> Tensor:
    """Read one row (T, D) by the written-out step."""
    weights = {name: value.numpy() for name, value in made.state_dict().items()}
    state, outputs = [np.zeros(H, np.float32)] * 2, []
    for one in x.numpy():
        state = REFERENCES[cell](weights, one, state)
        outputs.append(state[0])
    return torch.from_numpy(np.stack(outputs))


def test_every_cell_has_a_reference() -> None:
    assert set(get_args(Cell)) == set(CELLS) == set(REFERENCES)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_a_cell_is_its_step_repeated(cell: Cell) -> None:
    made, x = random_cell(cell), torch.randn(2, 6, D)
    outputs = made(x)[0]
    assert outputs.shape == (2, 6, H)
    for row in range(2):
        assert torch.allclose(outputs[row], by_reference(cell, made, x[row]), atol=1e-5)


LENGTHS = torch.tensor([6, 1, 3])


def encoder(cell: Cell, layers: int, bidirectional: bool) -> RecurrentEncoder:
    torch.manual_seed(5)
    config = RecurrentConfig(cell, H, layers, bidirectional)
    return RecurrentEncoder(D, config, nn.Dropout(0.0)).eval()


@pytest.mark.parametrize("bidirectional", [True, False], ids=["bi", "uni"])
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_layers_read_the_layer_below_in_both_directions(cell: Cell, bidirectional: bool) -> None:
    made, x = encoder(cell, 2, bidirectional), torch.randn(3, 6, D)
    states, last = made(x, LENGTHS)
    for row, n in enumerate(LENGTHS.tolist()):
        below, ends = x[row, :n], []
        for layer in range(2):
            forwards = by_reference(cell, made.forwards[layer], below)
            ends = [forwards[-1]]
            if bidirectional:
                backwards = by_reference(cell, made.backwards[layer], below.flip(0)).flip(0)
                ends.append(backwards[0])
                forwards = torch.cat([forwards, backwards], 1)
            below = forwards
        assert torch.allclose(states[row, :n], below, atol=1e-5)
        assert torch.allclose(last[row], torch.cat(ends), atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_what_stands_in_the_padding_does_not_matter(cell: Cell) -> None:
    made, x = encoder(cell, 2, bidirectional=True), torch.randn(3, 6, D)
    other = x.clone()
    padding = torch.arange(6) >= LENGTHS[:, None]
    other[padding] = 1e3
    (states, last), (other_states, other_last) = made(x, LENGTHS), made(other, LENGTHS)
    assert torch.equal(states[~padding], other_states[~padding]) and torch.equal(last, other_last)


@torch.no_grad()
def test_elman_is_the_rnn_of_torch() -> None:
    made, x = random_cell("elman"), torch.randn(3, 6, D)
    theirs, own = nn.RNN(D, H, batch_first=True), made.state_dict()
    zero = torch.zeros(H)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    values = (own["input.weight"], own["recurrent.weight"], own["input.bias"], zero)
    theirs.load_state_dict(dict(zip(names, values, strict=True)))
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]
    real = torch.arange(6) < LENGTHS[:, None]
    assert torch.allclose(made(x)[0][real], expected[real], atol=1e-5)


@torch.no_grad()
def test_peepholes_at_zero_leave_an_lstm() -> None:
    made, theirs, x = (
        random_cell("lstm-peephole"),
        nn.LSTM(D, H, batch_first=True),
        torch.randn(2, 5, D),
    )
    own = made.state_dict()
    for gate in ("enter", "keep", "leave"):
        made.get_parameter(f"to_{gate}").zero_()
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    values = (own["input.weight"], own["recurrent.weight"], own["input.bias"], torch.zeros(4 * H))
    theirs.load_state_dict(dict(zip(names, values, strict=True)))
    assert torch.allclose(made(x)[0], theirs(x)[0], atol=1e-5)


class SumOfTheLastThree:
    """Elman cells with a recurrent matrix of gain 1.3 learn a sum of 3 of 40 numbers."""

    metric = "score"

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.encoder = RecurrentEncoder(1, RecurrentConfig("elman", 16, 1, False), nn.Dropout(0.0))
        self.output = nn.Linear(16, 1)
        self.model = nn.ModuleList([self.encoder, self.output])
        with torch.no_grad():
            matrix = self.encoder.forwards[0].get_parameter("recurrent.weight")
            matrix.copy_(1.3 * torch.linalg.qr(torch.randn(16, 16))[0])
        self.x = torch.rand(224, 40, 1)

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        return np.split(rng.permutation(224), 7)

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        x = self.x[torch.from_numpy(batch)]
        last = self.encoder(x, torch.full((len(x),), 40))[1]
        return F.mse_loss(self.output(last)[:, 0], x[:, -3:].sum((1, 2))), len(batch)

    def evaluate(self) -> dict[str, float]:
        return {}


def trained(clip_norm: float) -> tuple[float, float]:
    """Return the mean loss of the last epoch of gradient descent, and the largest norm of a gradient."""
    task, rng = SumOfTheLastThree(), np.random.default_rng(0)
    config = LoopConfig(105, batch_tokens=1, learning_rate=0.2, clip_norm=clip_norm)
    optimizer = torch.optim.SGD(task.model.parameters(), lr=config.learning_rate)
    batches = [batch for _ in range(15) for batch in task.epoch(rng)]
    steps = [loop._step(task, batch, optimizer, config, i) for i, batch in enumerate(batches)]
    return float(np.mean([step[0] for step in steps[-7:]])), max(step[2] for step in steps)


def test_training_explodes_without_clipping_and_is_stable_with_it() -> None:
    loss, norm = trained(clip_norm=1.0)
    assert loss < 0.3 and norm < 100
    loss, norm = trained(clip_norm=1e30)
    assert loss > 1e6 and norm > 1e6
