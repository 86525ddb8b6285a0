"""Recurrent cells by name. W, U and V are matrices, x_t the input, h_t and c_t states, * is elementwise.

Elman, Jordan and peephole cells are written out, one step each: torch has no kernel for the last two, and its
exporter none for the first. Training repeats the step in a loop; an exported graph does so in an ONNX `Scan`.

Source: Elman 1990, "Finding Structure in Time"; Jordan 1986, "Serial Order"; Gers and Schmidhuber 2000,
"Recurrent Nets that Time and Count" (peepholes), in the form of Graves 2013, equations 7 to 11; Cho et al.
2014 (GRU); Hochreiter and Schmidhuber 1997 (LSTM).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

Cell = Literal["elman", "jordan", "gru", "lstm", "lstm-peephole"]
State = tuple[Tensor, ...]
"""The state of a cell, each (B, H); the first is its output."""


class StepCell(nn.Module, ABC):
    """A cell that is defined by one step."""

    n_gates, n_states = 1, 1

    def __init__(self, input_dim: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.input = nn.Linear(input_dim, self.n_gates * hidden)
        self.recurrent = nn.Linear(hidden, self.n_gates * hidden, bias=False)

    @abstractmethod
    def step(self, x: Tensor, state: State) -> State:
        """Return the state after a token, of W x_t + b (B, gates * H) and the state before it."""

    def forward(self, x: Tensor) -> tuple[Tensor, State]:
        """(B, T, D) -> outputs (B, T, H) and the last state; the state before the first token is 0."""
        inputs = self.input(x).transpose(0, 1)  # (T, B, gates * H)
        state = tuple(x.new_zeros(x.shape[0], self.hidden) for _ in range(self.n_states))
        if torch.compiler.is_exporting():
            state, outputs = scan(self._scanned, state, inputs)
            return outputs.transpose(0, 1), state
        steps = []
        for one in inputs:
            state = self.step(one, state)
            steps.append(state[0])
        return torch.stack(steps, 1), state

    def _scanned(self, state: State, x: Tensor) -> tuple[State, Tensor]:
        after = self.step(x, state)
        return after, after[0].clone()  # a scan must not return one tensor twice


class Elman(StepCell):
    """h_t = tanh(W x_t + b + U h_{t-1})."""

    def step(self, x: Tensor, state: State) -> State:
        """See `StepCell`."""
        return (torch.tanh(x + self.recurrent(state[0])),)


class Jordan(StepCell):
    """h_t = tanh(W x_t + b + U y_{t-1}), y_t = tanh(V h_t + d): the output is fed back, not the hidden state.

    Jordan's context units also decay; here they hold the last output only.
    """

    def __init__(self, input_dim: int, hidden: int) -> None:
        super().__init__(input_dim, hidden)
        self.output = nn.Linear(hidden, hidden)

    def step(self, x: Tensor, state: State) -> State:
        """See `StepCell`."""
        return (torch.tanh(self.output(torch.tanh(x + self.recurrent(state[0])))),)


class PeepholeLstm(StepCell):
    """An LSTM whose gates also read the memory cell c.

    i_t = s(W_i x_t + U_i h_{t-1} + p_i * c_{t-1} + b_i), f_t likewise,
    c_t = f_t * c_{t-1} + i_t * tanh(W_c x_t + U_c h_{t-1} + b_c),
    o_t = s(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o), h_t = o_t * tanh(c_t), with the logistic function s.
    """

    n_gates, n_states = 4, 2

    def __init__(self, input_dim: int, hidden: int) -> None:
        super().__init__(input_dim, hidden)
        self.to_enter = nn.Parameter(torch.zeros(hidden))
        self.to_keep = nn.Parameter(torch.zeros(hidden))
        self.to_leave = nn.Parameter(torch.zeros(hidden))

    def step(self, x: Tensor, state: State) -> State:
        """See `StepCell`."""
        before, memory = state
        enter, keep, new, leave = (x + self.recurrent(before)).chunk(4, dim=1)
        kept = torch.sigmoid(keep + self.to_keep * memory) * memory
        memory = kept + torch.sigmoid(enter + self.to_enter * memory) * torch.tanh(new)
        return torch.sigmoid(leave + self.to_leave * memory) * torch.tanh(memory), memory


CELLS: Mapping[Cell, Callable[[int, int], nn.Module]] = {
    "elman": Elman,
    "jordan": Jordan,
    "gru": lambda input_dim, hidden: nn.GRU(input_dim, hidden, batch_first=True),
    "lstm": lambda input_dim, hidden: nn.LSTM(input_dim, hidden, batch_first=True),
    "lstm-peephole": PeepholeLstm,
}
"""Width of the input and of the state -> a layer of the cell, (B, T, D) -> (B, T, H) and the last state."""
