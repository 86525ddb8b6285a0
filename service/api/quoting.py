"""How messages repeat what a client sent: cut, so that an answer is not as long as the request."""

from __future__ import annotations

_MAX_CHARS = 40


def cut(name: str) -> str:
    """Return the name of a model, a field or a language, without the rest of a long one."""
    return name if len(name) <= _MAX_CHARS else f"{name[:_MAX_CHARS]}..."
