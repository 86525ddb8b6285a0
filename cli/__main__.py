"""`python -m cli`: the `seqserve` command."""

from cli.main import app

app(prog_name="seqserve")
