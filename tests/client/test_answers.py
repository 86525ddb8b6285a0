from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from seqserve.client import answers
from seqserve.client.answers import Answer, Receipt, from_json
from seqserve.client.problems import UnexpectedAnswer
from seqserve.records import NerResult, api_fields
from seqserve.tasks import TASKS
from service.api import schemas

KINDS: dict[str, tuple[Any, type[BaseModel]]] = {
    **{
        spec.result.__name__: (spec.result, schemas.response_model(spec.result))
        for spec in TASKS.values()
    },
    "Model": (answers.Model, schemas.ModelInfo),
}


@pytest.mark.parametrize(("ours", "theirs"), KINDS.values(), ids=KINDS)
def test_fields_are_those_that_the_server_sends(ours: Any, theirs: type[BaseModel]) -> None:
    optional = {one.name for one in api_fields(ours) if one.default == ()}
    required = {one.name for one in api_fields(ours)} - optional
    assert required == {name for name, one in theirs.model_fields.items() if one.is_required()}
    assert required | optional == set(theirs.model_fields)


@dataclass(frozen=True)
class Inner:
    score: float


@dataclass(frozen=True)
class Outer:
    name: str
    many: tuple[Inner, ...]
    n: int
    scores: Mapping[str, float]
    anything: Mapping[str, Any]
    late: tuple[str, ...] = ()


WHOLE = {
    "name": "a",
    "many": [{"score": 0.5, "new": 1}, {"score": 1}],
    "n": 3,
    "scores": {"x": 1, "y": 0.5},
    "anything": {"x": [1, None]},
    "newer": {"field": True},
}


def test_json_becomes_a_dataclass_and_new_fields_are_left_out() -> None:
    found = from_json(Outer, WHOLE, "answer")
    assert found == Outer("a", (Inner(0.5), Inner(1.0)), 3, {"x": 1.0, "y": 0.5}, {"x": [1, None]})
    assert type(found.many[1].score) is float
    assert from_json(Outer, {**WHOLE, "late": ["b"]}, "answer").late == ("b",)


def test_what_was_read_cannot_be_changed() -> None:
    found = from_json(Outer, WHOLE, "answer")
    with pytest.raises(TypeError):
        found.scores["x"] = 2.0  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.name = "b"  # type: ignore[misc]


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([], "answer is list, and should be dict"),
    "a field is missing": ({"name": "a"}, "answer has no many"),
    "another type": ({**WHOLE, "name": 1}, "answer.name is int, and should be str"),
    "null": ({**WHOLE, "name": None}, "answer.name is NoneType"),
    "no list": ({**WHOLE, "many": {}}, "answer.many is dict, and should be list"),
    "inside": ({**WHOLE, "many": [{"score": 1}, {}]}, r"answer.many\[1\] has no score"),
    "truth is no number": ({**WHOLE, "many": [{"score": True}]}, r"many\[0\].score is bool"),
    "truth is no count": ({**WHOLE, "n": True}, "answer.n is bool, and should be int"),
    "in a mapping": ({**WHOLE, "scores": {"x": "1"}}, r"answer.scores.x is str"),
}


@pytest.mark.parametrize(("value", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_named(value: Any, message: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=message):
        from_json(Outer, value, "answer")


def test_an_answer_is_a_sequence_of_its_results() -> None:
    results = tuple(NerResult(()) for _ in range(3))
    receipts = (Receipt("a", "m", "1", 2, 7, 1), Receipt("b", "m", "1", 1, 4, 1))
    answer = Answer(results, receipts)
    assert len(answer) == 3 and list(answer) == list(results)
    assert answer[0] is results[0] and answer[-1] is results[2] and answer[:2] == results[:2]
    assert answer.n_tokens == 11


def test_the_types_of_fields_are_what_from_json_can_read() -> None:
    for ours, _ in KINDS.values():
        for kind in get_type_hints(ours).values():
            inner = get_args(kind)[-2:] if get_args(kind) else (kind,)
            readable = {str, int, float, type(None), Any, ...}
            assert all(
                one in readable
                or is_dataclass(one)
                or get_origin(one) is Literal
                or isinstance(one, str)
                for one in inner
            ), (ours, kind)
