from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from seqserve.client import answers
from seqserve.client.answers import Answer, Receipt, from_json, outcomes_from_json
from seqserve.client.problems import UnexpectedAnswer
from seqserve.errors import DeadlineExceeded, SeqserveError, TextTooLong
from seqserve.records import FailedText, NerResult, SentimentResult, TextError, api_fields
from seqserve.tasks import TASKS
from service.api import schemas

KINDS: dict[str, tuple[Any, type[BaseModel]]] = {
    **{
        spec.result.__name__: (spec.result, schemas.response_model(spec.result))
        for spec in TASKS.values()
    },
    "Model": (answers.Model, schemas.ModelInfo),
    "FailedText": (FailedText, schemas.response_model(FailedText)),
}


@pytest.mark.parametrize(("ours", "theirs"), KINDS.values(), ids=KINDS)
def test_fields_are_those_that_the_server_sends(ours: Any, theirs: type[BaseModel]) -> None:
    optional = {
        one.name
        for one in api_fields(ours)
        if one.default is not MISSING or one.default_factory is not MISSING
    }
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


FAILED = TextError("text_too_long", "Text too long", "text: has 51 characters.")
LATE = TextError("deadline_exceeded", "Deadline exceeded", "The deadline passed.")
NEWER = TextError("bad_weather", "Bad weather", "text could not be processed.")


def test_an_answer_with_errors() -> None:
    good = NerResult(())
    answer = Answer[NerResult]((good, FAILED, good, LATE, NEWER), ())
    assert len(answer) == 5 and answer.errors == {1: FAILED, 3: LATE, 4: NEWER}
    assert answer[0] is answer[2] is answer[-3] is good and answer[2:3] == (good,)
    assert answer.outcomes == (good, FAILED, good, LATE, NEWER)


TAKING: dict[str, tuple[Any, type[Exception], str]] = {
    "index": (lambda answer: answer[1], TextTooLong, r"^text\[1\]: has 51 characters\.$"),
    "negative index": (lambda answer: answer[-2], DeadlineExceeded, r"^text\[3\]: The deadline"),
    "slice": (lambda answer: answer[2:], DeadlineExceeded, r"^text\[3\]"),
    "iteration": (list, TextTooLong, r"^text\[1\]"),
    "results": (lambda answer: answer.results, TextTooLong, r"^text\[1\]"),
    "unpacking": (lambda answer: [*answer], TextTooLong, r"^text\[1\]"),
    "membership": (lambda answer: None in answer, TextTooLong, r"^text\[1\]"),
    "code of a newer server": (lambda a: a[4], SeqserveError, r"^text\[4\]: could not be"),
    "no such text": (lambda answer: answer[5], IndexError, "range"),
}


@pytest.mark.parametrize(("take", "kind", "message"), TAKING.values(), ids=TAKING)
def test_who_takes_a_result_that_is_not_there_gets_its_error(
    take: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        take(Answer[NerResult]((NerResult(()), FAILED, NerResult(()), LATE, NEWER), ()))
    if isinstance(caught.value, SeqserveError):
        assert f"text[{caught.value.text_index}]" in str(caught.value)


def test_null_is_read_where_it_is_allowed() -> None:
    blank = from_json(SentimentResult, {"label": None, "score": 0, "scores": {}}, "results[0]")
    assert blank == SentimentResult(None, 0.0, {})
    for document in ({"label": 1, "score": 0, "scores": {}}, {"label": None, "scores": {}}):
        with pytest.raises(UnexpectedAnswer):
            from_json(SentimentResult, document, "results[0]")


def test_errors_of_texts_are_read_among_the_results() -> None:
    error = {"code": "internal", "title": "T", "detail": "d", "newer": 1}
    found = outcomes_from_json(NerResult, [{"entities": []}, {"error": error}], "results")
    assert found == (NerResult(()), TextError("internal", "T", "d"))
    with pytest.raises(UnexpectedAnswer, match=r"results\[0\]\.error has no detail"):
        outcomes_from_json(NerResult, [{"error": {"code": "internal", "title": "T"}}], "results")
    with pytest.raises(UnexpectedAnswer, match="results is dict"):
        outcomes_from_json(NerResult, {"error": error}, "results")


def test_the_types_of_fields_are_what_from_json_can_read() -> None:
    for ours, _ in KINDS.values():
        for kind in get_type_hints(ours).values():
            inner = get_args(kind)[-2:] if get_args(kind) else (kind,)
            readable = {str, int, float, bool, type(None), Any, ...}
            assert all(
                one in readable
                or is_dataclass(one)
                or get_origin(one) in (Literal, tuple)
                or isinstance(one, str)
                for one in inner
            ), (ours, kind)
