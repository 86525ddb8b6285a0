"""What can be wrong before a figure is known."""

from __future__ import annotations


class LoadTestError(Exception):
    """The command line, a file or the server is not fit for a run; the message says what to do."""
