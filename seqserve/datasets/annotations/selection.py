"""One annotation per text: the reference, or else the newest one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.report import Report
from seqserve.errors import DataError
from seqserve.quoting import cut
from seqserve.text.visible import is_blank


def select(
    annotations: Iterable[Annotation], annotator: str, has_repeats: bool, report: Report
) -> Sequence[Annotation]:
    """Return the annotations that count, in the order of the texts.

    Of several annotations of one text the reference prevails, then the newest one, then the last one.

    Args:
        annotations: In the order of the export.
        annotator: Only those of this person count; empty: all.
        has_repeats: Whether a text may occur several times.
        report: Gets what is left out.

    Raises:
        DataError: There is none of the annotator.
    """
    names: set[str] = set()
    chosen: dict[str | int, Annotation] = {}
    for i, one in enumerate(annotations):
        names.update(one.annotators)
        if is_blank(one.text):
            report.add("left out", "without a visible character", one.where)
            continue
        if annotator and annotator not in one.annotators:
            report.add("left out", "of other annotators", one.where)
            continue
        key: str | int = i if has_repeats else one.text
        before = chosen.get(key)
        if before is None:
            chosen[key] = one
            continue
        older, newer = sorted((before, one), key=lambda each: each.rank)
        report.add("left out", "of a text with a newer annotation", older.where)
        chosen[key] = newer
    if annotator and annotator not in names:
        known = ", ".join(sorted(names)) or "none is named"
        raise DataError(
            f"no annotation is of {cut(annotator)!r} (--annotator); annotators: {known}"
        )
    return list(chosen.values())
