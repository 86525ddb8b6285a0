"""How messages repeat a name that was given: cut, so that an answer is not as long as the request."""

from __future__ import annotations

_MAX_CHARS = 40


def cut(name: str) -> str:
    """Return a name without the rest of a long one, which `...` stands for."""
    return name if len(name) <= _MAX_CHARS else f"{name[:_MAX_CHARS]}..."
