"""Placeholders of passages as `{t1}`, `{t2}` …, whatever their form is."""

from __future__ import annotations

from seqserve.text.documents.passages import Masked, Passage, mask


def shown(masked: Masked) -> str:
    """Return the text of a passage with its placeholders as `{t1}` …"""
    text = masked.text
    for number, placeholder in enumerate(masked.placeholders, start=1):
        text = text.replace(placeholder, f"{{t{number}}}")
    return text


def restored(passage: Passage, translation: str) -> str | None:
    """Return a passage with a translation that has `{t1}` … for its placeholders."""
    masked = mask(passage)
    for number, placeholder in enumerate(masked.placeholders, start=1):
        translation = translation.replace(f"{{t{number}}}", placeholder)
    return masked.restore(translation)
