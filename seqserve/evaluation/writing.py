"""The folder of an evaluation: the data, the page to read, the pictures."""

from __future__ import annotations

import json
from pathlib import Path

from seqserve.config import to_mapping
from seqserve.evaluation.markdown import report_markdown
from seqserve.evaluation.plots import plot_reliability
from seqserve.evaluation.report import REPORT_FILE, Report


def write_report(report: Report, reports: Path) -> Path:
    """Write evaluation.json, report.md and a reliability diagram per set; replaces older ones.

    Args:
        report: What was measured.
        reports: Where the folder goes, which is named after the bundle, and the split unless it is test.

    Returns:
        The folder.
    """
    name = report.name if report.split == "test" else f"{report.name}-{report.split}"
    folder = reports / name
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for found in report.sets:
        calibration = found.findings.calibration
        if calibration and calibration.bins:
            picture = f"{found.name}_{found.split}_reliability.png"
            plot_reliability(calibration, f"{found.name} {found.split}", folder / picture)
            pictures[found.name, found.split] = picture
    text = json.dumps(to_mapping(report), indent=1, ensure_ascii=False)
    (folder / REPORT_FILE).write_text(f"{text}\n", encoding="utf-8")
    (folder / "report.md").write_text(report_markdown(report, pictures), encoding="utf-8")
    return folder
