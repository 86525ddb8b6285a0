"""One command line over everything; a command imports its package only when it runs."""
