"""`seqserve dev reference`: the generated tables of docs/operations.md."""

from __future__ import annotations

import typer

from seqserve.cli.options import UpdatePage
from seqserve.cli.reporting import reported


def reference(update: UpdatePage = None) -> None:
    """Show all settings and metrics of the service, as docs/operations.md lists them."""
    from seqserve.evaluation.markdown import replace_section, table_lines
    from service.reference import METRICS_HEAD, SETTINGS_HEAD, metrics_rows, settings_rows

    tables = {
        "settings": "\n".join(table_lines(SETTINGS_HEAD, settings_rows())),
        "metrics": "\n".join(table_lines(METRICS_HEAD, metrics_rows())),
    }
    with reported():
        for name, table in tables.items():
            if update:
                replace_section(update, name, table)
            else:
                typer.echo(table + "\n")
