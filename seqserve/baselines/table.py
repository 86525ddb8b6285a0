"""Baselines beside the bundle, as the Markdown table of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seqserve.baselines.measure import Figures
from seqserve.errors import DataError
from seqserve.evaluation.markdown import number, table_lines
from seqserve.manifest import Manifest

_UNKNOWN = "–"


def baselines_table(baselines: Mapping[str, Figures], manifest: Manifest | None) -> str:
    """Give a row per figure and a column per baseline.

    Args:
        baselines: Baseline -> figures; every one has the same.
        manifest: Of the bundle, for the last column; None: no such column.
    """
    columns = dict(baselines)
    if manifest:
        columns[f"**{manifest.name} {manifest.version}**"] = manifest.figures
    names = next(iter(baselines.values()))
    rows = (
        (name, *(number(of[name]) if name in of else _UNKNOWN for of in columns.values()))
        for name in names
    )
    return "\n".join(table_lines(("figure", *columns), rows))


def update_section(path: Path, name: str, text: str) -> None:
    """Put a text between `<!-- baselines:NAME -->` and `<!-- /baselines:NAME -->` of a page.

    Raises:
        DataError: The page is not there, or has no such two lines.
    """
    first, last = f"<!-- baselines:{name} -->\n", f"<!-- /baselines:{name} -->"
    try:
        page = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"there is no page {path} to update") from error
    before, start, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise DataError(f"{path} has no place for the table: add {first.strip()} and {last}")
    path.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")
