"""Labels of an export under the names that the data set has for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.options import LabelOptions
from seqserve.errors import DataError
from seqserve.quoting import cut
from seqserve.text.tags import OUTSIDE
from seqserve.training.data import TaggedSentence

_MAX_LISTED = 20


def relabel(annotations: Sequence[Annotation], options: LabelOptions) -> list[Annotation]:
    """Rename labels and leave out those that are renamed to nothing.

    Args:
        annotations: With the labels of the export.
        options: The names.

    Raises:
        DataError: A label is not allowed, cannot be written, or is renamed and does not occur.
    """
    found = Counter(label for one in annotations for label in _labels(one))
    absent = sorted(set(options.renamed) - set(found))
    if absent:
        raise DataError(
            f"--rename {_quoted(absent[0], options.renamed)}: no annotation has this label; "
            f"labels: {_listed(found)}"
        )
    names = {label: options.renamed.get(label, label) for label in found}
    of_entities = {label for one in annotations if one.kind == "spans" for label in _labels(one)}
    for label, name in names.items():
        if name != name.strip() or not name.isprintable() or not label:
            raise DataError(
                f"the label {cut(label)!r} is empty, or has white space at its edges or control characters: "
                "rename it in the tool, or with --rename OLD=NEW"
            )
        if label in of_entities and name.upper() == OUTSIDE:
            given = f" (--rename {_quoted(label, names)})" if label in options.renamed else ""
            raise DataError(
                f"{name!r} is no label of entities, because that tag stands for tokens outside of "
                f"them{given}: leave the label out with --rename '{cut(label)}=', or rename it to another name"
            )
    unknown = {
        label: n
        for label, n in found.items()
        if names[label] and options.allowed and names[label] not in options.allowed
    }
    if unknown:
        first = next(iter(unknown))
        raise DataError(
            f"labels that --labels does not name: {_listed(unknown)}. Add them, rename them with "
            f"'--rename {cut(first)}=NAME', or leave them out with '--rename {cut(first)}='"
        )
    return [_renamed(one, names) for one in annotations]


def _quoted(label: str, names: Mapping[str, str]) -> str:
    return f"{cut(label)}={cut(names[label])}"


def _listed(counts: Mapping[str, int]) -> str:
    shown = [f"{cut(label)} ({n:,})" for label, n in islice(counts.items(), _MAX_LISTED)]
    more = len(counts) - len(shown)
    return ", ".join([*shown, *([f"and {more:,} more"] if more else [])]) or "none"


def _labels(one: Annotation) -> Iterable[str]:
    yield from (span.label for span in one.spans)
    yield from one.labels
    for sentence in one.sentences:
        yield from (tag[2:] for tag in sentence.tags if tag.startswith("B-"))


def _renamed(one: Annotation, names: Mapping[str, str]) -> Annotation:
    return replace(
        one,
        spans=tuple(
            replace(span, label=names[span.label]) for span in one.spans if names[span.label]
        ),
        labels=tuple(dict.fromkeys(names[label] for label in one.labels if names[label])),
        sentences=tuple(
            TaggedSentence(s.tokens, tuple(_tag(tag, names.__getitem__) for tag in s.tags))
            for s in one.sentences
        ),
    )


def _tag(tag: str, rename: Callable[[str], str]) -> str:
    name = "" if tag == OUTSIDE else rename(tag[2:])
    return f"{tag[:2]}{name}" if name else OUTSIDE
