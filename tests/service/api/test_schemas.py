from __future__ import annotations

from typing import Any

import pytest

from seqserve.errors import InputError
from service.api.dialects.native import parse_request
from service.api.schemas import SCHEMAS, TaskSchema
from service.settings import Settings

NER, TRANSLATE = SCHEMAS["ner"], SCHEMAS["translation"]
NER_FIELDS = (
    "Fields of this route: text, min_score, labels, offset_unit, alternatives, aggregation, on_blank, "
    "partial, model."
)


def sentences(document: Any, schema: TaskSchema = NER) -> str:
    """Return the description of a document's faults."""
    with pytest.raises(InputError) as failure:
        parse_request(schema, document, Settings())
    return str(failure.value)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            1,
            NER_FIELDS.replace("Fields of this route:", "The body must be a JSON object with:"),
        ),
        ({"text": 1}, "text: got a number, expected a string or a list of strings."),
        ({"text": ["a", None]}, "text[1]: got null, expected a string."),
        ({"text": "a", "labels": ["A", 1]}, "labels[1]: got a number, expected a string."),
        ({"text": "a", "labels": "PER"}, "labels: got a string, expected a list."),
        ({"text": "a", "min_score": "1"}, "min_score: got a string, expected a number."),
        ({"text": "a", "min_score": True}, "min_score: got a boolean, expected a number."),
        ({"text": "a", "min_score": [1]}, "min_score: got a list, expected a number."),
        ({"text": "a", "partial": 1}, "partial: got a number, expected true or false."),
        (
            {"text": "a", "offset_unit": {"a": 1}},
            "offset_unit: got an object, expected 'codepoint', 'utf16', 'byte' or 'grapheme'.",
        ),
        (
            {"text": "a", "offset_unit": "word"},
            "offset_unit: should be 'codepoint', 'utf16', 'byte' or 'grapheme'.",
        ),
        (
            {"q": "a"},
            f"'q' is no field of this route; did you mean 'text'? {NER_FIELDS} text is required.",
        ),
        (
            {"text": "a", "aggregation_strategy": "first"},
            f"'aggregation_strategy' is no field of this route; did you mean 'aggregation'? {NER_FIELDS}",
        ),
        ({"text": "a", "x" * 99: 1}, f"'{'x' * 40}...' is no field of this route. {NER_FIELDS}"),
        ({"text": "a", "größe": 1}, f"'gr\\xf6\\xdfe' is no field of this route. {NER_FIELDS}"),
        (
            {"min_score": 2, "texts": "a"},
            "'texts' is no field of this route; did you mean 'text'? "
            f"{NER_FIELDS} text is required. min_score: should be less than or equal to 1.",
        ),
    ],
)
def test_faults_are_described(document: Any, expected: str) -> None:
    assert sentences(document) == expected


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("texts", "text"),
        ("q", "text"),
        ("inputs", "text"),
        ("from", "source"),
        ("target_lang", "target"),
        ("num_beams", "beam_size"),
        ("alternative", "alternatives"),
    ],
)
def test_a_field_of_another_api_is_recognised(name: str, meant: str) -> None:
    said = sentences({name: "a"}, TRANSLATE)
    assert said.startswith(f"{name!r} is no field of this route; did you mean {meant!r}? Fields")


def test_only_fields_of_the_route_are_suggested() -> None:
    assert sentences({"text": "a", "num_beams": 4}).startswith(
        "'num_beams' is no field of this route. F"
    )


@pytest.mark.parametrize("value", ["Hunter2", ["Hunter2", 1], {"Hunter2": 1}, 22222.5])
@pytest.mark.parametrize(
    "field", ["min_score", "labels", "offset_unit", "alternatives", "aggregation"]
)
def test_no_value_is_quoted(field: str, value: Any) -> None:
    said = sentences({"text": "a", field: value})
    assert said.startswith(field)
    assert "Hunter2" not in said
    assert "22222" not in said


def test_all_faults_are_listed_unknown_fields_first() -> None:
    said = sentences({"text": "a", "min_score": 2, "labels": 1, "nope": 1})
    places = [said.index(name) for name in ("'nope'", "min_score: ", "labels: ")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "document",
    [{f"x{i}": i for i in range(24)}, {"text": "a", "labels": [1] * 25}],
    ids=["unknown", "known"],
)
def test_the_list_of_faults_is_bounded(document: Any) -> None:
    said = sentences(document)
    assert said.endswith(" Further faults: 15.")
    assert said.count("is no field") + said.count("expected a string") == 10


@pytest.mark.parametrize("text", ["a", " a", "\u200b", "😀", "\x00", "", " "])
def test_texts_that_are_accepted(text: str) -> None:
    assert parse_request(NER, {"text": text}, Settings()).texts == [text]
    assert parse_request(NER, {"text": [text]}, Settings()).texts == [text]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "pt-BR", "sr-Latn-RS"])
def test_languages_that_are_accepted(language: str) -> None:
    assert (
        parse_request(TRANSLATE, {"text": "a", "source": language}, Settings()).source == language
    )


@pytest.mark.parametrize("value", [1, 1.0, 0])
def test_a_whole_number_is_a_number(value: float) -> None:
    assert parse_request(NER, {"text": "a", "min_score": value}, Settings()).options == {
        "min_score": value
    }


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
    assert sentences(body) == sentence
