"""What an import is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seqserve.choices import OffsetUnit
from seqserve.tasks import Task


@dataclass(frozen=True)
class ReadOptions:
    """How an export is read.

    Args:
        task: What a model shall learn; None: what the export has, if that is one task.
        text_field: Field of the text; empty: `text`, or the only field with a string.
        document_field: Of JSON: field that names the document of a text; empty: every text is a document.
        control: Of Label Studio: name of the control whose results count; empty: the only one.
        offset_unit: What offsets count; None: what the tool counts.
        columns: Of CoNLL: numbers of the columns with the token and the tag, from 1, or from -1 at the end.
    """

    task: Task | None = None
    text_field: str = ""
    document_field: str = ""
    control: str = ""
    offset_unit: OffsetUnit | None = None
    columns: tuple[int, int] = (1, -1)


DEFAULT_OPTIONS = ReadOptions()


@dataclass(frozen=True)
class LabelOptions:
    """Which labels a data set has.

    Args:
        renamed: Labels of the export to labels of the data set; empty: the label is left out.
        allowed: The labels that may be in the data set; empty: all.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
