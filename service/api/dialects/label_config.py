"""The labelling configuration of a Label Studio project: which control takes the results of which task.

Only `Labels`, `Choices` and `TextArea` on a `Text` are read; other tags are none of this server's tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from seqserve.errors import InputError

Kind: TypeAlias = Literal["labels", "choices", "textarea"]

_KINDS: Mapping[str, Kind] = {"Labels": "labels", "Choices": "choices", "TextArea": "textarea"}
_OPTIONS: Mapping[Kind, str] = {"labels": "Label", "choices": "Choice", "textarea": ""}
_SYNONYMS: Sequence[frozenset[str]] = (
    frozenset({"per", "pers", "person", "people"}),
    frozenset({"loc", "location", "place", "gpe"}),
    frozenset({"org", "organization", "organisation", "company"}),
    frozenset({"misc", "miscellaneous", "other"}),
    frozenset({"positive", "pos"}),
    frozenset({"negative", "neg"}),
    frozenset({"neutral", "neu"}),
)
"""Names of labels that mean the same, in lower case."""


@dataclass(frozen=True)
class Control:
    """A control of the configuration.

    Args:
        name: Of the control.
        to_name: Of the text that it is about.
        field: Of the task's data with that text.
        kind: What its results are.
        labels: What it calls its labels or choices, by their names in lower case.
        is_multiple: Whether a text may have several choices.
    """

    name: str
    to_name: str
    field: str
    kind: Kind
    labels: Mapping[str, str]
    is_multiple: bool = False

    def find_label(self, label: str) -> str | None:
        """Return what the control calls a label of a model; None if it has no such label."""
        names = (label.lower(), *_same_as(label))
        return next((self.labels[name] for name in names if name in self.labels), None)


def read_controls(config: str) -> list[Control]:
    """Return the controls of a configuration, in its order.

    Raises:
        InputError: It is no XML, or has a document type or CDATA.
    """
    if "<!" in config.replace("<!--", ""):
        raise InputError("label_config: must have neither a document type nor CDATA.")
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise InputError(f"label_config: is not XML: {error}.") from None
    fields = {
        tag.get("name", ""): tag.get("value", "").removeprefix("$") for tag in root.iter("Text")
    }
    return [
        Control(
            tag.get("name", ""),
            tag.get("toName", ""),
            fields[tag.get("toName", "")],
            kind,
            _labels(tag, kind),
            tag.get("choice") == "multiple",
        )
        for tag, kind in _tags(root)
        if tag.get("toName") in fields
    ]


def _tags(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, Kind]]:
    for tag in root.iter():
        if tag.tag in _KINDS:
            yield tag, _KINDS[tag.tag]


def _labels(tag: ElementTree.Element, kind: Kind) -> dict[str, str]:
    """Return the labels of a control by name: results have their aliases, or else their values."""
    options = tag.iter(_OPTIONS[kind]) if _OPTIONS[kind] else ()
    values = [(one.get("value", ""), one.get("alias")) for one in options]
    return {value.lower(): alias or value for value, alias in reversed(values)}


def _same_as(label: str) -> Sequence[str]:
    name = label.lower()
    return sorted(next((names for names in _SYNONYMS if name in names), ()))
