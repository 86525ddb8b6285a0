from __future__ import annotations

import pytest

from seqserve.baselines.ner import CrfConfig, CrfTagger, features, shape_of

SHAPES = {
    "name": ("Anna", "Xxxx"),
    "acronym": ("U.S.", "X.X."),
    "number": ("10,000", "00,000"),
    "mixed": ("iPhone-4s", "xXxxxx-0x"),
    "accents": ("Éva", "Xxx"),
    "no case": ("北京", "xx"),
    "empty": ("", ""),
}


@pytest.mark.parametrize(("word", "shape"), SHAPES.values(), ids=SHAPES)
def test_shapes(word: str, shape: str) -> None:
    assert shape_of(word) == shape


SENTENCE = ["Anna", "Lee", "left", "A-320", "!"]
FEATURES = {
    "the word itself, lower-cased": (1, "0:word=lee", True),
    "its spelling": (0, "0:word=Anna", False),
    "its shape": (0, "0:shape=Xxxx", True),
    "its shape, runs as one": (0, "0:short_shape=Xx", True),
    "prefix": (2, "0:prefix=le", True),
    "longest prefix": (3, "0:prefix=a-32", True),
    "suffix": (2, "0:suffix=eft", True),
    "the whole word is no suffix": (2, "0:suffix=left", False),
    "title case": (0, "0:title", True),
    "not title case": (2, "0:title", False),
    "lower case": (2, "0:lower", True),
    "upper case": (3, "0:upper", True),
    "hyphen": (3, "0:has_hyphen", True),
    "a digit": (3, "0:has_digit", True),
    "not all digits": (3, "0:digits", False),
    "a sign": (4, "0:is_sign", True),
    "one before": (1, "-1:word=anna", True),
    "two before": (2, "-2:word=anna", True),
    "three before": (3, "-3:word=anna", False),
    "one behind": (0, "+1:shape=Xxx", True),
    "two behind": (0, "+2:lower", True),
    "no affixes of neighbours": (1, "-1:prefix=an", False),
    "first": (0, "-1:BOS", True),
    "second": (1, "-2:BOS", True),
    "nothing before the beginning": (0, "-2:BOS", False),
    "third": (2, "-2:BOS", False),
    "last": (4, "+1:EOS", True),
    "last but one": (3, "+2:EOS", True),
}


@pytest.mark.parametrize(("i", "name", "is_there"), FEATURES.values(), ids=FEATURES)
def test_features(i: int, name: str, is_there: bool) -> None:
    assert (name in features(SENTENCE)[i]) is is_there


def test_every_word_has_features_once() -> None:
    rows = features(SENTENCE)
    assert len(rows) == len(SENTENCE)
    assert all(len(set(row)) == len(row) for row in rows)
    assert features([]) == []


WORDS = [f"{name} {verb} {place} ." for name in ("Anna", "Eva", "Otto") for verb in ("left", "saw")
         for place in ("Oslo", "Rome", "Bonn")]  # fmt: skip
TRAIN = [text.split() for text in WORDS]
TAGS = [["B-PER", "O", "B-LOC", "O"]] * len(TRAIN)


def test_unseen_names_are_known_by_their_neighbours() -> None:
    tagger = CrfTagger(CrfConfig())
    tagger.fit(TRAIN, TAGS)
    assert tagger.predict([["Uma", "left", "Lima", "."], [], ["."]]) == [TAGS[0], [], ["O"]]


def test_a_heavy_penalty_leaves_nothing_learnt() -> None:
    tagger = CrfTagger(CrfConfig(c1=1e4))
    tagger.fit(TRAIN, TAGS)
    assert len(set(tagger.predict(TRAIN)[0])) == 1


def test_iterations_are_bounded() -> None:
    words = [["left"]] * 300 + [["Left"]]
    answers = []
    for n in (1, 100):
        tagger = CrfTagger(CrfConfig(c1=0, max_iterations=n))
        tagger.fit(words, [["O"]] * 300 + [["B-PER"]])
        answers += tagger.predict([["Left"]])
    assert answers == [["O"], ["B-PER"]]
