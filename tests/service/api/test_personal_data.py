"""What rules find in texts, and what they leave of the entities of a model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from seqserve.errors import DeadlineExceeded
from service.api.dialects.aws_pii import pii_of
from service.api.dialects.azure_messages import PiiParameters
from service.api.dialects.azure_pii import read_pii, write_pii
from service.api.personal_data import PersonalDataRules

pytestmark = pytest.mark.anyio


async def apply(text: str, *names: str, label: str = "PER") -> Any:
    """Return the result of a model that finds these names, with what rules find."""
    entities = [
        {"text": one, "label": label, "score": 0.5, "start": text.index(one)}
        | {"end": text.index(one) + len(one)}
        for one in names
    ]
    rules, deadline = PersonalDataRules(), time.monotonic() + 60
    (result,) = await rules.add_to([{"entities": entities}], [(text, "en")], deadline)
    return result


NAMES: dict[str, tuple[str, tuple[str, ...], list[str]]] = {
    "an address behind": (
        "Ann Smith <ann@example.com> called.",
        ("Ann Smith <ann@example.com>",),
        ["Ann Smith", "ann@example.com"],
    ),
    "an address before": (
        "From 10.20.30.40 (Ann)",
        ("10.20.30.40 (Ann)",),
        ["10.20.30.40", "Ann)"],
    ),
    "an address between": (
        "Ann ann@example.com Bob",
        ("Ann ann@example.com Bob",),
        ["Ann", "ann@example.com", "Bob"],
    ),
    "an address that is one": ("Ann.Smith@example.com", ("Ann.Smith",), ["Ann.Smith@example.com"]),
    "nothing else": ("<ann@example.com>", ("<ann@example.com>",), ["ann@example.com"]),
}


@pytest.mark.parametrize("name", NAMES)
async def test_names_beside_what_rules_find(name: str) -> None:
    text, names, expected = NAMES[name]
    result = await apply(text, *names)
    assert all(one["text"] == text[one["start"] : one["end"]] for one in result["entities"])
    found = pii_of(result)["Entities"]
    assert [text[one["BeginOffset"] : one["EndOffset"]] for one in found] == expected
    document = write_pii(read_pii(PiiParameters()), "codepoint", text, result)
    assert [one["text"] for one in document["entities"]] == expected
    assert all(one not in document["redactedText"] for one in expected)


async def test_a_name_is_cut_also_where_the_address_is_not_wanted() -> None:
    text = "Ann Smith <ann@example.com> called."
    result = await apply(text, "Ann Smith <ann@example.com>")
    wanted = read_pii(PiiParameters(excludePiiCategories=["Email"]))
    redacted = write_pii(wanted, "codepoint", text, result)["redactedText"]
    assert redacted == "********* <ann@example.com> called."


@pytest.mark.parametrize("label", ["PER", "person", "PERSON", "People"])
async def test_labels_of_persons(label: str) -> None:
    result = await apply("Ann", "Ann", label=label)
    assert [one["Type"] for one in pii_of(result)["Entities"]] == ["NAME"]
    document = write_pii(read_pii(PiiParameters()), "codepoint", "Ann", result)
    assert [one["category"] for one in document["entities"]] == ["Person"]


async def test_a_result_that_is_an_error_stays_one() -> None:
    rules, error = PersonalDataRules(), {"error": "x"}
    found = await rules.add_to([error], [("ann@example.com", None)], time.monotonic() + 60)
    assert found == [{**error, "rules": []}]


async def test_the_deadline_ends_the_search() -> None:
    with pytest.raises(DeadlineExceeded):
        await PersonalDataRules().add_to([{"entities": []}], [("a", None)], time.monotonic() - 1)
