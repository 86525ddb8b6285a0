from __future__ import annotations

import pytest

from seqserve.text.contractions import CONTRACTIONS, contracted, with_apostrophes
from seqserve.text.words import normalize_tokens


@pytest.mark.parametrize("word", CONTRACTIONS)
def test_a_contraction_has_the_tokens_of_its_usual_spelling(word: str) -> None:
    tokens = CONTRACTIONS[word]
    assert normalize_tokens("".join(tokens)) == list(tokens)
    assert "".join(tokens).replace("'", "") == word


FORMS = {
    "no apostrophe": ("isnt", ("is", "n't")),
    "wrong place": ("did'nt", ("did", "n't")),
    "with have": ("couldve", ("could", "'ve")),
    "pronoun": ("theyre", ("they", "'re")),
    "a word": ("its", ("its",)),
    "well": ("well", ("well",)),
    "hell": ("hell", ("hell",)),
    "shell": ("shell", ("shell",)),
    "ill": ("ill", ("ill",)),
    "were": ("were", ("were",)),
    "wed": ("wed", ("wed",)),
    "id": ("id", ("id",)),
    "alone": ("n't", ("n't",)),
    "apostrophe": ("'", ("'",)),
}


@pytest.mark.parametrize(("form", "tokens"), FORMS.values(), ids=FORMS)
def test_contracted(form: str, tokens: tuple[str, ...]) -> None:
    assert contracted(form) == tokens


NEIGHBOURS = {
    "wont": ("I wont go", "I won't go"),
    "cant": ("you cant win", "you can't win"),
    "capitals": ("It WONT. Cant it?", "It WON'T. Can't it?"),
    "a noun": ("as is his wont", "as is his wont"),
    "her noun": ("as was her wont.", "as was her wont."),
    "an adjective": ("he was wont to say", "he was wont to say"),
    "cant of a trade": ("the cant of thieves", "the cant of thieves"),
    "religious cant": ("this cant is empty", "this cant is empty"),
    "inside a word": ("significant, wanton, canter", "significant, wanton, canter"),
    "right already": ("won't can't", "won't can't"),
}


@pytest.mark.parametrize(("text", "expected"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_cant_and_wont_depend_on_their_neighbours(text: str, expected: str) -> None:
    assert with_apostrophes(text) == expected
