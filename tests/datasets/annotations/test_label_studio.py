"""Exports of Label Studio, JSON and JSON-MIN."""

from __future__ import annotations

from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.datasets.annotations.examples import Languages
from seqserve.errors import ConfigError, DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "label-studio"
TEXT = "💩 Anna left\r\nNew York today."


def region(start: int, end: int, text: str | None, label: str = "PER", **more: Any) -> Any:
    value: dict[str, Any] = {"start": start, "end": end, "labels": [label]}
    if text is not None:
        value["text"] = text
    return result("labels", value, **more)


def result(kind: str, value: Any, control: str = "c") -> Any:
    return {"id": "x", "from_name": control, "to_name": "text", "type": kind, "value": value}


def annotation(*results: Any, **more: Any) -> Any:
    return {"id": 1, "completed_by": 7, "was_cancelled": False, "result": list(results), **more}


def task(*annotations: Any, text: str = TEXT, number: int = 1, **data: Any) -> Any:
    return {"id": number, "data": {"text": text, **data}, "annotations": list(annotations)}


OFFSETS: dict[str, tuple[Any, list[Any]]] = {
    "code points": (region(2, 6, "Anna"), [("Anna", "PER")]),
    "UTF-16 units": (region(3, 7, "Anna"), [("Anna", "PER")]),
    "a line break as one sign": (region(12, 20, "New York"), [("New York", "PER")]),
    "both signs of a line break": (region(13, 21, "New York"), [("New York", "PER")]),
    "line breaks as the editor writes them": (
        region(2, 21, r"Anna left\n\nNew York"),
        [("Anna left New York", "PER")],
    ),
    "no text": (region(2, 6, None), [("Anna", "PER")]),
    "the end of the text": (region(22, 28, "today."), [("today .", "PER")]),
}


@pytest.mark.parametrize(("one", "expected"), OFFSETS.values(), ids=OFFSETS)
def test_offsets(importer: Importer, one: Any, expected: list[Any]) -> None:
    importer.run([task(annotation(one))])
    assert [entity for of in importer.entities() for entity in of] == expected


UNUSABLE: dict[str, tuple[Any, str]] = {
    "another text": (region(2, 6, "Bert"), "with an entity whose text is not at its offsets"),
    "another text beyond the end": (region(99, 103, "Anna"), "with an entity whose text"),
    "beyond the text": (region(2, 600, None), "with an entity that is empty or beyond the text"),
    "empty": (region(2, 2, None), "with an entity that is empty or beyond the text"),
    "backwards": (region(6, 2, None), "with an entity that is empty or beyond the text"),
    "negative": (region(-3, 2, None), "with an entity that is empty or beyond the text"),
    "labels of another object": (
        result("paragraphlabels", {"start": "0", "end": "1", "paragraphlabels": ["PER"]}),
        "with paragraphlabels, of which only those of a Text are read",
    ),
    "HyperText": (
        result("labels", {"start": "/p[1]", "end": "/p[1]", "labels": ["PER"]}),
        "about HyperText",
    ),
}


@pytest.mark.parametrize(("one", "reason"), UNUSABLE.values(), ids=UNUSABLE)
def test_texts_with_unusable_entities_are_left_out(
    importer: Importer, one: Any, reason: str
) -> None:
    """A text with an entity that cannot be placed would teach the model that there is none."""
    export = [task(annotation(one)), task(annotation(), text="Fine.", number=2)]
    imported = importer.run(export, task="ner")
    assert importer.sentences() == [[("Fine", "O"), (".", "O")]]
    (said,) = reasons(imported)
    assert said.startswith(reason)


def test_which_annotation_counts(importer: Importer) -> None:
    """The ground truth, else the newest; cancelled ones and predictions never."""
    old, new = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00.5Z"

    def said(label: str, time: str, **more: Any) -> Any:
        return annotation(region(0, 4, "Anna", label), updated_at=time, **more)

    predictions = {"predictions": [{"result": [region(0, 4, "Anna", "MODEL")]}]}
    export = [
        task(said("NEW", new), said("OLD", old), text="Anna A.", number=1),
        task(said("GOLD", old, ground_truth=True), said("NEW", new), text="Anna B.", number=2),
        task(said("OLD", old), said("NEW", new, was_cancelled=True), text="Anna C.", number=3),
        task(text="Anna D.", number=4) | predictions,
        task(said("LAST", new), text="Anna A.", number=5),
        {"id": 6, "data": {"text": "Anna F."}},
    ]
    imported = importer.run(export)
    assert importer.entities() == [[("Anna", one)] for one in ("LAST", "GOLD", "OLD")]
    assert reasons(imported) == {
        "cancelled (skipped by the annotator)": 1,
        "not annotated": 2,
        "of a text with a newer annotation": 3,
    }
    assert imported.n_records == 9


@pytest.mark.parametrize("name", ["8", "bo@example.com"])
def test_one_annotator(importer: Importer, name: str) -> None:
    who = {"id": 8, "email": "bo@example.com"}
    both = [annotation(region(2, 6, "Anna", "BO"), completed_by=who), annotation()]
    importer.run([task(*both)], annotator=name)
    assert [one for of in importer.entities() for one in of] == [("Anna", "BO")]


CHOICES: dict[str, tuple[Any, dict[str, Any], list[Any]]] = {
    "one": ([result("choices", {"choices": ["good"]})], {}, [("A.", ("good",))]),
    "none beside one": ([], {}, []),
    "several": ([result("choices", {"choices": ["good", "long"]})], {}, [("A.", ("good", "long"))]),
    "several results": (
        [result("choices", {"choices": [one]}) for one in ("good", "long")],
        {},
        [("A.", ("good", "long"))],
    ),
    "of one control": (
        [result("choices", {"choices": ["good"]}), result("choices", {"choices": ["x"]}, "other")],
        {"control": "other"},
        [("A.", ("x",))],
    ),
    "beside entities": (
        [region(0, 1, "A"), result("choices", {"choices": ["good"]})],
        {"task": "sentiment"},
        [("A.", ("good",))],
    ),
    "about a part of the text": (
        [
            result("choices", {"choices": ["part"], "start": 0, "end": 1}),
            result("choices", {"choices": ["good"]}),
        ],
        {},
        [("A.", ("good",))],
    ),
}


@pytest.mark.parametrize(("results", "options", "expected"), CHOICES.values(), ids=CHOICES)
def test_choices(importer: Importer, results: list[Any], options: Any, expected: list[Any]) -> None:
    control = options.get("control", "c")
    other = task(annotation(result("choices", {"choices": ["bad"]}, control)), text="B.", number=2)
    importer.run([task(annotation(*results), text="A."), other], **options)
    assert importer.texts() == [*expected, ("B.", ("bad",))]


def test_text_areas(importer: Importer) -> None:
    area = [
        result("textarea", {"text": one})
        for one in (["你好。"], ["你好。\n \n再见。"], ["一"], "好")
    ]
    texts = ("Hello.", "Hello.\nBye.", "One.\nTwo.", "Good.")
    export = [
        task(annotation(one), text=text, number=i)
        for i, (one, text) in enumerate(zip(area, texts, strict=True))
    ]
    imported = importer.run(export)
    assert imported.task == "translation"
    assert importer.pairs() == [
        ("Hello.", "你好。"),
        ("Hello.", "你好。"),
        ("Bye.", "再见。"),
        ("Good.", "好"),
    ]
    assert reasons(imported) == {"whose sides have different numbers of lines": 1}


def minimal(number: int | None = 5, **values: Any) -> Any:
    return {"text": "Anna left.", "id": 1, "annotator": 3, "annotation_id": number, **values}


MINIMAL: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "entities": (
        {"c": [{"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}]},
        {},
        [("Anna", "PER")],
    ),
    "entities beside data": (
        {"source": "x", "c": [{"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}]},
        {"task": "ner"},
        [("Anna", "PER")],
    ),
    "a choice": ({"c": "good"}, {}, ("good",)),
    "a choice beside data": ({"c": "good", "source": "x"}, {"control": "c"}, ("good",)),
    "choices": ({"c": {"choices": ["good", "long"]}}, {}, ("good", "long")),
    "a translation": ({"c": "安娜"}, {"task": "translation"}, [("Anna left.", "安娜")]),
    "translations": ({"c": ["安娜", "安"]}, {"task": "translation"}, [("Anna left.", "安娜")]),
}


@pytest.mark.parametrize(("values", "options", "expected"), MINIMAL.values(), ids=MINIMAL)
def test_minimal(importer: Importer, values: Any, options: Any, expected: Any) -> None:
    imported = importer.run([minimal(**values), minimal(None)], **options)
    assert reasons(imported)["not annotated"] == 1
    if imported.task == "ner":
        assert importer.entities() == [expected]
    elif imported.task == "translation":
        assert importer.pairs() == expected
    else:
        assert importer.texts() == [("Anna left.", expected)]


def test_what_is_not_read_is_told(importer: Importer) -> None:
    both = result("labels", {"start": 0, "end": 1, "text": "A", "labels": ["X", "Y"]})
    bare = result("labels", {"start": 0, "end": 1, "text": "A", "labels": []})
    stars = result("rating", {"rating": 4})
    imported = importer.run([task(annotation(both, bare, stars), text="A.")])
    assert importer.entities() == [[("A", "X")]]
    assert reasons(imported) == {
        "as further labels of a span": 1,
        "without a label": 1,
        "results of the type 'rating' are not read": 1,
    }


def test_texts_of_other_fields(importer: Importer) -> None:
    export = [{"id": 1, "data": {"body": "A."}, "annotations": [annotation()]}]
    importer.run(export, task="ner")
    assert importer.sentences() == [[("A", "O"), (".", "O")]]
    export[0]["data"]["title"] = "B"
    importer.run(export, task="ner", text_field="title", is_replaced=True)
    assert importer.sentences() == [[("B", "O")]]


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no list": (3, {}, "record 1: the record is a number; expected an object"),
    "no object": ([3], {}, "record 1: the record is a number; expected an object"),
    "no data": ([{"id": 1, "annotations": [annotation()]}], {}, "data.text is missing"),
    "no text": (
        [task(annotation(), text=None)],
        {},
        "task 1: data.text is null; expected a string",
    ),  # type: ignore[arg-type]
    "several fields": (
        [{"data": {"a": "x", "b": "y"}, "annotations": [annotation()]}],
        {},
        "name the field of the text with --field. Fields with a string: a, b",
    ),
    "no such field": ([task(annotation())], {"text_field": "body"}, "data.body is missing"),
    "annotations are numbers": ([task(1)], {}, "annotations[0] is a number; expected an object"),
    "results are no list": ([task(annotation(result=3))], {}, "annotations[0].result is a number"),
    "offsets are strings": (
        [task(annotation(result("labels", {"start": 0, "end": "4", "labels": ["A"]})))],
        {},
        "result[0].value.end is a string; expected an integer",
    ),
    "offsets are fractions": (
        [task(annotation(result("labels", {"start": 0.5, "end": 4, "labels": ["A"]})))],
        {},
        "value.start is a number; expected an integer",
    ),
    "no offsets": ([task(annotation(result("labels", {"labels": ["A"]})))], {}, "start is missing"),
    "labels are numbers": (
        [task(annotation(result("labels", {"start": 0, "end": 1, "labels": [1]})))],
        {},
        "value.labels[0] is a number; expected a string",
    ),
    "several tasks": (
        [task(annotation(region(2, 6, "Anna"), result("choices", {"choices": ["a"]})))],
        {},
        "labels of several tasks (classification, ner): choose one with --task",
    ),
    "several controls": (
        [task(annotation(region(2, 6, "Anna"), region(2, 6, "Anna", control="d")))],
        {},
        "the controls c, d have results; choose one with --control",
    ),
    "no such control": (
        [task(annotation(region(2, 6, "Anna")))],
        {"control": "x"},
        "no result is of the control 'x'",
    ),
    "no such annotator": (
        [task(annotation())],
        {"annotator": "9", "task": "ner"},
        "no annotation is of '9' (--annotator); annotators: 7",
    ),
    "another format": ([{"text": "A", "label": []}], {}, "neither annotations nor annotation_id"),
    "two strings of JSON-MIN": ([minimal(a="x", b="y")], {}, "a, b may be data or results"),
    "nothing labelled": (
        [task(annotation(result("rating", {"rating": 4})))],
        {},
        "no annotation has entities, labels or translations that are read; if that is right",
    ),
    "translations without languages": (
        [task(annotation(result("textarea", {"text": ["x"]})))],
        {"languages": Languages()},
        "the export has translations: name their languages, such as --pair en,de",
    ),
    "nothing annotated": (
        [task()],
        {},
        "nothing of the export is left:\nleft out: not annotated: 1",
    ),
    "no document": ([task(annotation())], {"document_field": "d"}, "has no field d (--document)"),
    "a document that is a list": (
        [task(annotation(), d=[])],
        {"document_field": "d"},
        "data.d is a list; expected a string or a number",
    ),
}


@pytest.mark.parametrize(("export", "options", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(importer: Importer, export: Any, options: Any, message: str) -> None:
    with pytest.raises((DataError, ConfigError)) as caught:
        importer.run(export, **options)
    assert message in str(caught.value)
    assert not (importer.folder / "out").exists()
