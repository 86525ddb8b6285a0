from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from seqserve.errors import InputError
from service.api.schemas import NerRequest, TranslateRequest, describe_fault
from service.api.tasks import TASKS, parse_request
from service.settings import Settings


def sentence(document: Any) -> str:
    """What is said about the first fault of a document."""
    with pytest.raises(ValidationError) as failure:
        NerRequest.model_validate(document)
    return describe_fault(failure.value.errors()[0], list(NerRequest.model_fields))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (1, "The body must be a JSON object with: text, min_score, labels, offset_unit."),
        ({"text": 1}, "text: must be a string or a list of strings."),
        ({"text": [""]}, "text[0] is empty or only white space."),
        ({"text": ["a", 1]}, "text[1]: should be a valid string."),
        ({"text": "a", "labels": ["A", 1]}, "labels[1]: should be a valid string."),
        (
            {"text": "a", "x" * 99: 1},
            f"'{'x' * 40}' is no option of this route; "
            "there are: text, min_score, labels, offset_unit.",
        ),
        (
            {"text": "a", "größe": 1},
            "'gr\\xf6\\xdfe' is no option of this route; "
            "there are: text, min_score, labels, offset_unit.",
        ),
    ],
)
def test_describe_fault(document: Any, expected: str) -> None:
    assert sentence(document) == expected


@pytest.mark.parametrize("value", ["Hunter2", ["Hunter2", 1], {"Hunter2": 1}, 22222.5])
@pytest.mark.parametrize("field", ["min_score", "labels", "offset_unit"])
def test_no_value_is_quoted(field: str, value: Any) -> None:
    said = sentence({"text": "a", field: value})
    assert said.startswith(field)
    assert "Hunter2" not in said
    assert "22222" not in said


def test_the_number_of_faults_is_told() -> None:
    document = {"text": "a", "min_score": 2, "labels": 1, "nope": 1}
    with pytest.raises(InputError, match=r"^min_score: .*\. \(2 more\.\)$"):
        parse_request(TASKS[0], document, Settings())


@pytest.mark.parametrize("text", ["a", " a", "\u200b", "😀", "\x00"])
def test_texts_that_are_accepted(text: str) -> None:
    assert NerRequest.model_validate({"text": text}).text == [text]
    assert NerRequest.model_validate({"text": [text]}).text == [text]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "pt-BR", "sr-Latn-RS"])
def test_languages_that_are_accepted(language: str) -> None:
    assert TranslateRequest.model_validate({"text": "a", "source": language}).source == language


@pytest.mark.parametrize("value", [1, 1.0, 0])
def test_a_whole_number_is_a_number(value: float) -> None:
    assert NerRequest.model_validate({"text": "a", "min_score": value}).min_score == value


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"text": []}, "text: must not be an empty list."),
        ({"text": "a", "labels": []}, "labels: must not be an empty list."),
        ({"text": "a", "labels": ["PER"] * 101}, "labels: must have at most 100 values."),
    ],
    ids=["no texts", "no labels", "too many labels"],
)
def test_lengths_are_described_in_our_words(body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NerRequest.model_validate(body)
    assert describe_fault(caught.value.errors()[0], []) == sentence
