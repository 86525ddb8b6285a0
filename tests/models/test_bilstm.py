from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqserve.models.bilstm import BiLstm

LENGTHS = torch.tensor([7, 1, 4, 7])


def packed(ours: BiLstm, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same weights in torch's own bidirectional LSTM over packed sequences."""
    theirs = nn.LSTM(5, 3, batch_first=True, bidirectional=ours.backwards is not None)
    weights = ours.forwards.state_dict()
    if ours.backwards is not None:
        weights |= {f"{k}_reverse": v for k, v in ours.backwards.state_dict().items()}
    theirs.load_state_dict(weights)
    output, (last, _) = theirs(
        pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    )
    return pad_packed_sequence(output, batch_first=True)[0], last.transpose(0, 1).flatten(1)


@pytest.mark.parametrize("bidirectional", [True, False], ids=["bi", "uni"])
@torch.no_grad()
def test_equals_packed_sequences(bidirectional: bool) -> None:
    torch.manual_seed(7)
    lstm, x = BiLstm(5, 3, bidirectional), torch.randn(4, 7, 5)
    states, last = lstm(x, LENGTHS)
    expected_states, expected_last = packed(lstm, x)
    real = torch.arange(7) < LENGTHS[:, None]
    assert torch.allclose(states[real], expected_states[real], atol=1e-6)
    assert torch.allclose(last, expected_last, atol=1e-6)
    assert len(lstm.directions) == (2 if bidirectional else 1)


@torch.no_grad()
def test_what_stands_in_the_padding_does_not_matter() -> None:
    lstm, x = BiLstm(5, 3), torch.randn(4, 7, 5)
    other = x.clone()
    padding = torch.arange(7) >= LENGTHS[:, None]
    other[padding] = 1e6
    (states, last), (other_states, other_last) = lstm(x, LENGTHS), lstm(other, LENGTHS)
    assert torch.equal(states[~padding], other_states[~padding]) and torch.equal(last, other_last)
