from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqserve.client.batches import Batch, cut
from seqserve.client.policy import Policy
from seqserve.errors import InputError


def texts_of(batch: Batch) -> list[str]:
    texts: list[str] = json.loads(batch.body({}))["text"]
    return texts


CUTS: dict[str, tuple[Policy, Any, list[list[str]]]] = {
    "one string": (Policy(), "abc", [["abc"]]),
    "no text": (Policy(), [], []),
    "under the limits": (Policy(max_texts=3), ["a", "b", "c"], [["a", "b", "c"]]),
    "one too many": (Policy(max_texts=3), ["a", "b", "c", "d"], [["a", "b", "c"], ["d"]]),
    "one at a time": (Policy(max_texts=1), ["a", "b"], [["a"], ["b"]]),
    "bytes, quotes counted": (Policy(max_bytes=6), ["a", "b", "c"], [["a", "b"], ["c"]]),
    "bytes, of each request anew": (Policy(max_bytes=6), list("abcd"), [["a", "b"], ["c", "d"]]),
    "a character of three bytes": (Policy(max_bytes=7), ["文", "b"], [["文"], ["b"]]),
    "a long one goes alone": (Policy(max_bytes=6), ["a", "b" * 9, "c"], [["a"], ["b" * 9], ["c"]]),
    "a generator": (Policy(max_texts=2), (text for text in "abc"), [["a", "b"], ["c"]]),
}


@pytest.mark.parametrize(("policy", "texts", "expected"), CUTS.values(), ids=CUTS)
def test_texts_are_cut_by_number_and_bytes(
    policy: Policy, texts: Any, expected: list[list[str]]
) -> None:
    assert [texts_of(batch) for batch in cut(texts, policy)] == expected


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=30),
    max_texts=st.integers(1, 8),
    max_bytes=st.integers(1, 60),
)
def test_every_text_comes_once_in_order_and_within_the_bounds(
    texts: list[str], max_texts: int, max_bytes: int
) -> None:
    batches = cut(texts, Policy(max_texts=max_texts, max_bytes=max_bytes))
    assert [text for batch in batches for text in texts_of(batch)] == texts
    first = 0
    for batch in batches:
        assert batch.first == first
        first += len(batch.texts)
        assert 1 <= len(batch.texts) <= max_texts
        assert sum(map(len, batch.texts)) <= max_bytes or len(batch.texts) == 1


def test_a_body_is_json_with_the_options_beside_the_texts() -> None:
    (batch,) = cut(['say "é"\n', "文"], Policy())
    body = batch.body({"labels": ["É"], "min_score": 0.5})
    assert json.loads(body) == {"text": ['say "é"\n', "文"], "labels": ["É"], "min_score": 0.5}
    assert "文".encode() in body  # and not escaped: twice the bytes
    assert json.loads(batch.body({})) == {"text": ['say "é"\n', "文"]}


def test_halves_keep_the_order_and_know_their_place() -> None:
    _, batch = cut([str(i) for i in range(8)], Policy(max_texts=5))
    before, after = batch.halves()
    assert (texts_of(before), texts_of(after)) == (["5"], ["6", "7"])
    assert (before.first, after.first) == (5, 6)


REFUSED: dict[str, tuple[list[Any], str]] = {
    "a number": (["a", 1], r"text\[1\] is int; it must be a string"),
    "bytes": ([b"a"], r"text\[0\] is bytes"),
    "half a pair": (["a", "b", "\ud800"], r"text\[2\] has a lone surrogate"),
}


@pytest.mark.parametrize(("texts", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_refused_with_its_index(texts: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cut(texts, Policy())
    assert caught.value.text_index == len(texts) - 1
