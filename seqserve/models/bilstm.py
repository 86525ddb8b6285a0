"""A bidirectional LSTM over padded rows, each direction reading real tokens only.

Torch's packed sequences are exact but leave the fused CPU kernel and are many times slower. Turning each
row's real tokens round by an index keeps both: padding always comes last, and an LSTM never looks ahead.

Source: Hochreiter and Schmidhuber 1997; Graves and Schmidhuber 2005 (bidirectional).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BiLstm(nn.Module):
    """One layer, one or both directions."""

    def __init__(self, input_dim: int, hidden: int, bidirectional: bool = True) -> None:
        super().__init__()
        self.forwards = nn.LSTM(input_dim, hidden, batch_first=True)
        self.backwards = nn.LSTM(input_dim, hidden, batch_first=True) if bidirectional else None

    @property
    def directions(self) -> tuple[nn.LSTM, ...]:
        """The LSTM that reads forwards and, if there is one, the one that reads backwards."""
        return (self.forwards,) if self.backwards is None else (self.forwards, self.backwards)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Read every row; see `read_rows`."""
        return read_rows(self.forwards, self.backwards, x, lengths)


def read_rows(
    forwards: nn.Module, backwards: nn.Module | None, x: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """Read padded rows with a layer per direction.

    Args:
        forwards: (B, T, D) -> (B, T, H) and more, such as an `nn.LSTM` with `batch_first`; never looks ahead.
        backwards: The same, or None.
        x: (B, T, D).
        lengths: (B,) real tokens of each row, at least 1, on the device of x.

    Returns:
        (B, T, H per direction) states, meaningless behind `lengths`; (B, H per direction) the
        state of each direction after its last real token.
    """
    last = (lengths - 1)[:, None, None]
    hidden = forwards(x)[0]
    end = hidden.gather(1, last.expand(-1, 1, hidden.shape[2])).squeeze(1)
    if backwards is None:
        return hidden, end
    positions = torch.arange(x.shape[1], device=x.device)[None, :, None]
    turned = torch.where(
        positions <= last, last - positions, positions
    )  # (B, T, 1), its own inverse
    back = backwards(x.gather(1, turned.expand(-1, -1, x.shape[2])))[0]
    back_end = back.gather(1, last.expand(-1, 1, back.shape[2])).squeeze(1)
    back = back.gather(1, turned.expand(-1, -1, back.shape[2]))
    return torch.cat([hidden, back], 2), torch.cat([end, back_end], 1)
