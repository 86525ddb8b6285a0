"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataRoot = Annotated[Path, typer.Option("--data", help="folder that holds the data sets")]
AsJson = Annotated[bool, typer.Option("--json", help="write JSON")]
RecipeFile = Annotated[Path, typer.Argument(help="recipe, such as recipes/ner-en.toml")]
RunsDir = Annotated[Path, typer.Option("--runs", help="folder of training runs")]
BundleDir = Annotated[Path, typer.Argument(help="bundle, such as bundles/ner-en")]
BundlesDir = Annotated[
    Path, typer.Option("--bundles", envvar="SEQSERVE_BUNDLES_DIR", help="folder of bundles")
]
ReportsDir = Annotated[
    Path, typer.Option(file_okay=False, help="folder of evaluations, one for each bundle")
]
UpdatePage = Annotated[
    Path | None, typer.Option(help="Markdown page whose tables are replaced by the new ones")
]
