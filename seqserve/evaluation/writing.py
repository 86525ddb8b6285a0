"""Write the folder of an evaluation: data, page and diagrams."""

from __future__ import annotations

import json
from pathlib import Path

from seqserve.config import to_mapping
from seqserve.errors import DataError
from seqserve.evaluation.markdown import report_markdown
from seqserve.evaluation.plots import plot_reliability
from seqserve.evaluation.report import REPORT_FILE, Report
from seqserve.files import written_whole


def write_report(report: Report, reports: Path) -> Path:
    """Write evaluation.json, report.md and a reliability diagram per set; replace older ones.

    Args:
        report: The evaluation.
        reports: The parent folder. The new one has the name of the bundle, and the split unless it is test.

    Returns:
        The folder.

    Raises:
        DataError: The folder cannot be created.
    """
    name = report.name if report.split == "test" else f"{report.name}-{report.split}"
    folder = reports / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be made: {error.strerror}; name another folder"
        ) from error
    pictures = {}
    for found in report.sets:
        calibration = found.findings.calibration
        if calibration and calibration.bins:
            picture = f"{found.name}_{found.split}_reliability.png"
            plot_reliability(calibration, f"{found.name} {found.split}", folder / picture)
            pictures[found.name, found.split] = picture
    text = json.dumps(to_mapping(report), indent=1, ensure_ascii=False)
    _write_whole(folder / REPORT_FILE, f"{text}\n")
    _write_whole(folder / "report.md", report_markdown(report, pictures))
    return folder


def _write_whole(path: Path, text: str) -> None:
    """Write a file atomically."""
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
