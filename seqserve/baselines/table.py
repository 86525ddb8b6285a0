"""The Markdown table of baselines and bundle in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seqserve.baselines.measure import Metrics
from seqserve.evaluation.markdown import number, replace_section, table_lines
from seqserve.manifest import Manifest

_UNKNOWN = "–"


def baselines_table(baselines: Mapping[str, Metrics], manifest: Manifest | None) -> str:
    """Return a table with one row per metric and one column per baseline.

    Args:
        baselines: Baseline -> metrics; every one has the same.
        manifest: Of the bundle, for the last column; None: no such column.
    """
    columns = dict(baselines)
    if manifest:
        columns[f"**{manifest.name} {manifest.version}**"] = manifest.metrics
    names = next(iter(baselines.values()))
    rows = (
        (name, *(number(of[name]) if name in of else _UNKNOWN for of in columns.values()))
        for name in names
    )
    return "\n".join(table_lines(("metric", *columns), rows))


def update_section(path: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- baselines:NAME -->` and `<!-- /baselines:NAME -->` of a page.

    Raises:
        DataError: The page does not exist, or lacks these lines.
    """
    replace_section(path, f"baselines:{name}", text)
