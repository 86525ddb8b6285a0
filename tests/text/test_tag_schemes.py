from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from seqserve.errors import ConfigError
from seqserve.text.tag_schemes import read_tags
from seqserve.text.tags import TagScheme, spans_of

# Tags of a checkpoint -> per state: its BIO tag and the tags that it sums over.
SCHEMES: dict[str, tuple[str, dict[str, list[str]]]] = {
    "BIO": (
        "O B-A I-A",
        {"O": ["O"], "opening": ["B-A", "I-A"], "adjacent": ["B-A"], "inside": ["I-A"]},
    ),
    "BIO, O last": (
        "B-A I-A O",
        {"O": ["O"], "opening": ["B-A", "I-A"], "adjacent": ["B-A"], "inside": ["I-A"]},
    ),
    "lower case": (
        "o b-A i-A",
        {"O": ["o"], "opening": ["b-A", "i-A"], "adjacent": ["b-A"], "inside": ["i-A"]},
    ),
    "underscore": (
        "O B_A I_A",
        {"O": ["O"], "opening": ["B_A", "I_A"], "adjacent": ["B_A"], "inside": ["I_A"]},
    ),
    "suffix": (
        "O A-B A-I",
        {"O": ["O"], "opening": ["A-B", "A-I"], "adjacent": ["A-B"], "inside": ["A-I"]},
    ),
    "IOB1 that never saw B": ("O I-A", {"O": ["O"], "opening": ["I-A"], "inside": ["I-A"]}),
    "IO": ("O A", {"O": ["O"], "opening": ["A"], "inside": ["A"]}),
    "no O": ("B-A I-A", {"opening": ["B-A", "I-A"], "adjacent": ["B-A"], "inside": ["I-A"]}),
    "B alone": ("O B-A", {"O": ["O"], "opening": ["B-A"], "adjacent": ["B-A"]}),
    "BIOES": (
        "O B-A I-A E-A S-A",
        {
            "O": ["O"],
            "opening": ["B-A", "I-A", "E-A", "S-A"],
            "adjacent": ["B-A", "S-A"],
            "inside": ["I-A", "E-A"],
        },
    ),
    "BILOU": (
        "B-A I-A L-A U-A O",
        {
            "O": ["O"],
            "opening": ["B-A", "I-A", "L-A", "U-A"],
            "adjacent": ["B-A", "U-A"],
            "inside": ["I-A", "L-A"],
        },
    ),
    "padding": (
        "[PAD] O B-A I-A",
        {"O": ["[PAD]", "O"], "opening": ["B-A", "I-A"], "adjacent": ["B-A"], "inside": ["I-A"]},
    ),
}


@pytest.mark.parametrize(("tags", "expected"), SCHEMES.values(), ids=SCHEMES)
def test_states_sum_over_tags(tags: str, expected: dict[str, list[str]]) -> None:
    names = tags.split()
    scheme = read_tags(names)
    logits = np.random.default_rng(0).normal(size=(2, 3, len(names))).astype(np.float32)
    sums = [
        np.log(sum(np.exp(logits[..., names.index(tag)]) for tag in group))
        for group in expected.values()
    ]
    np.testing.assert_allclose(
        scheme.potentials(logits), np.stack(sums, axis=-1), rtol=1e-5, atol=1e-6
    )
    bio = {"O": "O", "opening": "B-A", "adjacent": "B-A", "inside": "I-A"}
    assert scheme.tags == tuple(bio[state] for state in expected)
    assert scheme.labels == ("A",)


LABELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "in order of their first tag": ("I-B O B-A I-A B-B", ("B", "A")),
    "that look prefixed": ("O E-mail Phone", ("E-mail", "Phone")),
    "that look prefixed, beside prefixed ones": (
        "O B-PER I-PER S-Corp MISC",
        ("PER", "S-Corp", "MISC"),
    ),
    "with hyphens": ("O B-WORK-OF-ART I-WORK-OF-ART", ("WORK-OF-ART",)),
    "some without prefix": ("O B-PER I-PER MISC", ("PER", "MISC")),
    "a prefix and the label alone": ("O B-PER PER", ("PER",)),
    "numbers": ("LABEL_0 LABEL_1", ("LABEL_0", "LABEL_1")),
    "of single tokens": ("O B-PER I-PER U-DATE", ("PER", "DATE")),
    "of single tokens alone": ("O U-PER U-DATE", ("PER", "DATE")),
    "of single tokens and ends": ("O S-PER E-DATE", ("PER", "DATE")),
    "of single tokens of two schemes": ("O S-Bahn U-Bahn", ("S-Bahn", "U-Bahn")),
    "of single tokens beside others": ("O U-Boat Ship", ("U-Boat", "Ship")),
    "without names": ("O B I", ("ENTITY",)),
    "that end like a suffix": ("O PLAN-B PLAN-A", ("PLAN-B", "PLAN-A")),
}


@pytest.mark.parametrize(("tags", "expected"), LABELS.values(), ids=LABELS)
def test_labels(tags: str, expected: tuple[str, ...]) -> None:
    assert read_tags(tags.split()).labels == expected


def test_white_space_around_tags_is_ignored() -> None:
    assert read_tags(["O ", " B-a b", "I-a b\n"]).tags == ("O", "B-a b", "B-a b", "I-a b")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([], "no tag names a label: there is none"),
        (["O"], "no tag names a label: 'O'"),
        (["O", "[PAD]"], "no tag names a label"),
        (["O", "B-A", "B-A"], "B-A and B-A mean the same"),
        (["O", "B-A", "b-A", "I-A"], "B-A and b-A mean the same"),
        (["O", "A", "A"], "A and A mean the same"),
        (["O", " "], "'' has no label"),
        (["O", "B-A", "I-A", "B-"], "'B-' has no label"),
        (["O", "B-A", "I-A", "B"], "'B' has no label"),
    ],
    ids=[
        "nothing",
        "O",
        "outside",
        "twice",
        "two cases",
        "IO twice",
        "blank",
        "no label",
        "a side",
    ],
)
def test_tags_that_are_no_scheme(tags: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_tags(tags)


@pytest.mark.parametrize("tags", ["O B-A I-A B-B I-B", "O A B-B I-B", "O I-A B-B"])
def test_every_labeling_has_one_sequence_of_states(tags: str) -> None:
    scheme = read_tags(tags.split())
    first, moves = scheme.allowed()
    found = []
    for states in product(range(len(scheme)), repeat=4):
        if first[states[0]] and all(moves[a, b] for a, b in pairwise(states)):
            found.append(tuple(spans_of([scheme.tags[i] for i in states])))
    assert len(set(found)) == len(found)
    if tags == "O B-A I-A B-B I-B":  # all that BIO can say
        start, bio = TagScheme(["A", "B"]).allowed()
        legal = [
            ids
            for ids in product(range(5), repeat=4)
            if start[ids[0]] and all(bio[a, b] for a, b in pairwise(ids))
        ]
        assert len(found) == len(legal)


@pytest.mark.parametrize("tags", ["O B-A I-A B-B I-B", "A B", "O I-A B-B"])
def test_spans_of_a_batch_are_those_of_single_rows(tags: str) -> None:
    scheme = read_tags(tags.split())
    rng = np.random.default_rng(1)
    states = rng.integers(0, len(scheme), size=(50, 7))
    lengths = rng.integers(1, 8, size=50)
    spans = scheme.spans(states, lengths)
    for row in range(50):
        expected = spans_of([scheme.tags[i] for i in states[row, : lengths[row]]])
        at = spans.row == row
        found = zip(spans.start[at], spans.end[at], spans.label[at], strict=True)
        assert [(int(a), int(b), scheme.labels[i]) for a, b, i in found] == [
            (span.start, span.end, span.label) for span in expected
        ]


def test_inside_tags_make_an_entity_longer() -> None:
    scheme = read_tags(["O", "B-A", "I-A", "B-B"])
    inside = [scheme.tags[i] if i >= 0 else "" for i in scheme.inside_tags()]
    assert list(zip(scheme.tags, inside, strict=True)) == [
        ("O", ""),
        ("B-A", "I-A"),
        ("B-A", "I-A"),
        ("I-A", "I-A"),
        ("B-B", ""),
        ("B-B", ""),
    ]
