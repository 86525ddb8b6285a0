from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from seqserve.models.tagger import LinearChainCrf, Tagger, TaggerConfig
from seqserve.text.tags import TagScheme

SCHEME = TagScheme(["X"])  # O, B-X, I-X
START, MOVES = map(torch.from_numpy, SCHEME.allowed())


def random_crf() -> LinearChainCrf:
    torch.manual_seed(1)
    crf = LinearChainCrf(START, MOVES)
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    return crf


def score(crf: LinearChainCrf, emissions: Tensor, tags: tuple[int, ...]) -> Tensor:
    start, moves, end = crf.potentials()
    total = start[tags[0]] + end[tags[-1]]
    total = total + sum(emissions[t, tag] for t, tag in enumerate(tags))
    return total + sum(moves[a, b] for a, b in pairwise(tags))


@torch.no_grad()
def test_partition_and_gold_score_equal_brute_force() -> None:
    crf, emissions = random_crf(), torch.randn(3, 4, 3)
    lengths = torch.tensor([4, 2, 1])
    tags = torch.tensor([[1, 2, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]])
    partition = crf.log_partition(emissions, lengths)
    gold = crf.gold_score(emissions, tags, lengths)
    for row, n in enumerate(lengths.tolist()):
        scores = [score(crf, emissions[row], path) for path in product(range(3), repeat=n)]
        assert partition[row] == pytest.approx(float(torch.stack(scores).logsumexp(0)), abs=1e-4)
        path = tuple(tags[row, :n].tolist())
        assert gold[row] == pytest.approx(float(score(crf, emissions[row], path)), abs=1e-4)


@torch.no_grad()
def test_partial_loss_sums_over_the_allowed_tags() -> None:
    crf, emissions = random_crf(), torch.randn(2, 3, 3)
    lengths = torch.tensor([3, 2])
    sets = [[{1}, {0, 2}, {0, 1, 2}], [{0, 1}, {0}]]
    allowed = torch.zeros(2, 3, 3, dtype=torch.bool)
    for row, tokens in enumerate(sets):
        for t, tags in enumerate(tokens):
            allowed[row, t, list(tags)] = True
    losses = crf.partial_loss(emissions, allowed, lengths)
    for row, tokens in enumerate(sets):
        scores = [score(crf, emissions[row], path) for path in product(*tokens)]
        every = [score(crf, emissions[row], path) for path in product(range(3), repeat=len(tokens))]
        expected = torch.stack(every).logsumexp(0) - torch.stack(scores).logsumexp(0)
        assert losses[row] == pytest.approx(float(expected), abs=1e-4)


@torch.no_grad()
def test_partial_loss_of_full_labels_is_the_loss() -> None:
    crf, emissions = random_crf(), torch.randn(1, 3, 3)
    tags, lengths = torch.tensor([[1, 2, 0]]), torch.tensor([3])
    allowed = torch.nn.functional.one_hot(tags, 3).bool()
    exact = crf(emissions, tags, lengths)
    assert torch.allclose(crf.partial_loss(emissions, allowed, lengths), exact, atol=1e-3)


@torch.no_grad()
def test_illegal_sequences_have_no_probability() -> None:
    crf, emissions = random_crf(), torch.zeros(1, 2, 3)
    for path in ([2, 0], [0, 2]):
        loss = crf(emissions, torch.tensor([path]), torch.tensor([2]))
        assert float(loss) > 1000


def test_loss_teaches_the_tags() -> None:
    crf, emissions = random_crf(), torch.zeros(1, 3, 3, requires_grad=True)
    tags, lengths = torch.tensor([[1, 2, 0]]), torch.tensor([3])
    crf(emissions, tags, lengths).sum().backward()
    assert emissions.grad is not None
    gold = emissions.grad.gather(2, tags[:, :, None])
    assert (gold < 0).all() and emissions.grad.sum(2).abs().max() < 1e-5


@pytest.fixture
def tagger() -> Tagger:
    torch.manual_seed(2)
    config = TaggerConfig(30, 20, 3, word_dim=8, char_dim=4, char_filters=5, hidden=6)
    return Tagger(config, START, MOVES).eval()


@torch.no_grad()
def test_padding_changes_nothing(tagger: Tagger) -> None:
    words, chars = torch.randint(2, 30, (3, 7)), torch.randint(0, 20, (3, 7, 9))
    lengths = torch.tensor([7, 3, 1])
    batch = tagger(words, chars, lengths)
    assert batch.shape == (3, 7, 3)
    for row, n in enumerate(lengths.tolist()):
        alone = tagger(words[row : row + 1, :n], chars[row : row + 1, :n], torch.tensor([n]))
        assert (batch[row, :n] - alone[0]).abs().max() < 1e-6


@torch.no_grad()
def test_context_and_characters_matter(tagger: Tagger) -> None:
    words, chars = torch.randint(2, 30, (1, 5)), torch.randint(1, 20, (1, 5, 9))
    lengths = torch.tensor([5])
    before = tagger(words, chars, lengths)
    other_words, other_chars = words.clone(), chars.clone()
    other_words[0, 4] = (words[0, 4] + 1) % 28 + 2
    other_chars[0, 0, 2] = (chars[0, 0, 2] + 1) % 19 + 1
    assert not torch.allclose(tagger(other_words, chars, lengths)[0, 0], before[0, 0], atol=1e-7)
    assert not torch.allclose(tagger(words, other_chars, lengths)[0, 4], before[0, 4], atol=1e-9)
