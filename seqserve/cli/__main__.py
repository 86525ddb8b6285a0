"""`python -m seqserve.cli`: the `seqserve` command."""

from seqserve.cli.main import app

app(prog_name="seqserve")
