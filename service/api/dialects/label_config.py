"""The labelling configuration of a Label Studio project: which control takes the results of which task.

Only `Labels`, `Choices` and `TextArea` on a `Text` are read; other tags are none of this server's tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from seqserve.errors import InputError
from service.api.dialects.label_names import common_name

Kind: TypeAlias = Literal["labels", "choices", "textarea"]

_KINDS: Mapping[str, Kind] = {"Labels": "labels", "Choices": "choices", "TextArea": "textarea"}
_OPTIONS: Mapping[Kind, str] = {"labels": "Label", "choices": "Choice", "textarea": ""}


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
        exact = self.labels.get(label.lower())
        meant = common_name(label)
        same = (value for name, value in sorted(self.labels.items()) if common_name(name) == meant)
        return exact or next(same, None)


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
