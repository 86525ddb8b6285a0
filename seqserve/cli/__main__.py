"""`python -m seqserve.cli`: the `seqserve` command."""

from seqserve.cli.main import main

main()
