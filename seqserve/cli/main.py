"""The `seqserve` command: eleven commands for users, and the group `dev` for those who work on the project."""

from __future__ import annotations

from typing import Annotated

import typer

from seqserve.cli import data, keys
from seqserve.cli.app import App, RootGroup
from seqserve.cli.checkout import version
from seqserve.cli.dev import app as dev_app
from seqserve.cli.environment import restart_for_training
from seqserve.cli.importing import import_checkpoint
from seqserve.cli.models import models
from seqserve.cli.predicting.command import app as predict_app
from seqserve.cli.serving import serve
from seqserve.cli.training import evaluate, export, train
from seqserve.cli.vectors import app as vectors_app

app = App(cls=RootGroup)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"seqserve {version()}")
        raise typer.Exit()


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Serve and train models for named entities (NER), sentiment, classification and translation.

    Exit codes: 0 success; 1 failure, with the reason on standard error; 2 wrong command line. Commands
    with further exit codes list them in their help; docs/cli.md has them all.
    """


app.command()(serve)
app.add_typer(predict_app, name="predict")
app.command("import")(import_checkpoint)
app.command()(models)
app.add_typer(data.app, name="data")
app.command()(train)
app.command()(export)
app.command()(evaluate)
app.add_typer(vectors_app, name="vectors")
app.add_typer(keys.app, name="keys")
app.add_typer(dev_app, name="dev")


def main() -> None:
    """Run the command line as a program."""
    restart_for_training()
    app(prog_name="seqserve")
