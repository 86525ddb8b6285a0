"""`seqserve dev reference`: the generated tables of docs/operations.md and docs/training.md."""

from __future__ import annotations

import typer

from seqserve.cli.options import UpdatePage
from seqserve.cli.reporting import reported


def reference(update: UpdatePage = None) -> None:
    """Show all settings, metrics and recipe keys, or update those tables that a page has."""
    from seqserve.evaluation.markdown import replace_section, table_lines
    from seqserve.training.reference import SECTION, recipe_reference
    from service.reference import METRICS_HEAD, SETTINGS_HEAD, metrics_rows, settings_rows

    tables = {
        "settings": "\n".join(table_lines(SETTINGS_HEAD, settings_rows())),
        "metrics": "\n".join(table_lines(METRICS_HEAD, metrics_rows())),
        SECTION: recipe_reference(),
    }
    with reported():
        if update is None:
            typer.echo("\n\n".join(tables.values()))
            return
        page = update.read_text(encoding="utf-8") if update.exists() else ""
        for name in [name for name in tables if f"<!-- {name} -->" in page] or tables:
            replace_section(update, name, tables[name])
