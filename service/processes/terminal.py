"""The terminal of the supervisor: what it shows there, and whether it is still open."""

from __future__ import annotations

import os


def has_terminal() -> bool:
    """Return whether this process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def banner(url: str, *, has_demo: bool) -> str:
    """Return what a person at a terminal needs to know once the server is ready.

    Args:
        url: Where it listens.
        has_demo: Whether it serves the demo page.
    """
    for wildcard in ("//0.0.0.0:", "//[::]:"):  # no address that a browser can open
        url = url.replace(wildcard, "//localhost:")
    lines = [f"seqserve is ready: {url}"]
    if has_demo:
        lines.append(f"  Demo page  {url}/")
    lines += [f"  API docs   {url}/docs", "  Stop       Ctrl+C"]
    return "\n".join(lines)
