from __future__ import annotations

import pytest
import torch

from seqserve.models.bilstm import BiLstm
from seqserve.models.language_model import LanguageModel
from seqserve.models.word_embeddings import WordEmbedding


@pytest.fixture
def model() -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(WordEmbedding(50, 6), BiLstm(6, 5), dropout=0.0)


def test_every_word_with_a_neighbour_is_asked_for_from_that_side(model: LanguageModel) -> None:
    words = torch.tensor([[7, 8, 9, 0], [4, 5, 0, 0], [6, 0, 0, 0]])
    guesses, meant = model(words, torch.tensor([3, 2, 1]))
    assert sorted(meant.tolist()) == [4, 5, 7, 8, 8, 9]
    assert guesses.shape == (6, 6)


def test_the_unknown_word_is_not_asked_for(model: LanguageModel) -> None:
    _, meant = model(torch.tensor([[7, 1, 9]]), torch.tensor([3]))
    assert sorted(meant.tolist()) == [7, 9]


def test_no_guess_has_seen_its_word(model: LanguageModel) -> None:
    words, lengths = torch.tensor([[7, 8, 9, 10]]), torch.tensor([4])
    guesses, meant = model(words, lengths)
    for i, word in enumerate(meant.tolist()):
        other = torch.where(words == word, 30, words)
        changed, _ = model(other, lengths)
        assert torch.equal(changed[i], guesses[i])
        assert not torch.equal(changed, guesses)


def test_padding_changes_nothing(model: LanguageModel) -> None:
    alone, _ = model(torch.tensor([[4, 5]]), torch.tensor([2]))
    padded, _ = model(torch.tensor([[4, 5, 0, 0]]), torch.tensor([2]))
    assert torch.allclose(alone, padded, atol=1e-6)


def test_log_likelihood_is_that_of_a_softmax(model: LanguageModel) -> None:
    guesses, meant = model(torch.tensor([[7, 8, 9]]), torch.tensor([3]))
    scores = guesses @ model.words.weight.T + model.bias
    by_hand = [scores[i].softmax(0)[word].log() for i, word in enumerate(meant.tolist())]
    assert torch.allclose(model.log_likelihood(guesses, meant), torch.stack(by_hand), atol=1e-5)


def test_few_samples_teach_the_true_frequencies() -> None:
    torch.manual_seed(1)
    model = LanguageModel(WordEmbedding(12, 2), BiLstm(2, 2), dropout=0.0)
    truth = torch.softmax(torch.randn(10), 0)
    optimizer = torch.optim.Adam([model.bias], 0.02)
    nothing = torch.zeros(500, 2)  # all that is to be learnt is how often each word comes
    for _ in range(600):
        meant = torch.multinomial(truth, 500, replacement=True) + 2
        loss = model.sampled_loss(nothing, meant, 4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    learnt = model.bias.detach()[2:].log_softmax(0)
    assert float((truth * (truth.log() - learnt)).sum()) < 0.03  # nats; 0.2 without the correction


def test_the_right_word_is_never_counted_as_wrong(model: LanguageModel) -> None:
    guesses, meant = model(torch.tensor([[2, 2, 2]]), torch.tensor([3]))
    tiny = LanguageModel(WordEmbedding(3, 6), BiLstm(6, 5), dropout=0.0)
    assert float(tiny.sampled_loss(guesses, meant, 20).detach()) == 0.0  # no other word exists


def test_training_lowers_the_loss(model: LanguageModel) -> None:
    torch.manual_seed(2)
    words = torch.arange(2, 32).repeat(8, 1)
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    losses = []
    for _ in range(100):
        guesses, meant = model(words, torch.full((8,), 30))
        loss = model.sampled_loss(guesses, meant, 16)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(-float(model.log_likelihood(guesses, meant).detach().mean()))
    assert losses[-1] < 0.7 * losses[0]
