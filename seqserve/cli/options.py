"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataRoot = Annotated[Path, typer.Option("--data", help="folder that holds the data sets")]
AsJson = Annotated[bool, typer.Option("--json", help="as JSON")]
