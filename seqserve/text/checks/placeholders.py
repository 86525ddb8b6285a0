"""`placeholder_mismatch`: a protected span of the source was lost or changed, or one was made up."""

from __future__ import annotations

from collections import Counter

import regex

from seqserve.text.checks.pair import Pair
from seqserve.text.protected import ProtectedSpan, protected_spans

_COUNTED = frozenset({"placeholder", "template", "icu", "entity", "tag"})
"""Kinds of which every occurrence matters; a translation may name a file or a function less often."""
_NEVER_ADDED = _COUNTED | {"url", "email"}
_SYNTAX = regex.compile(r"[{}%$<>&@]|\[\[|://")
_TRANSLATED_SYMBOL = regex.compile(
    r"[\p{Sc}\p{Sm}\p{Sk}\p{N}°©®™℃℉№]"
)  # ° becomes 度, £ becomes 英镑


def has_placeholder_mismatch(pair: Pair) -> bool:
    """Return whether a protected span of the source is missing, or the translation has one of its own."""
    return _is_lost(pair) or _is_added(pair)


def _is_lost(pair: Pair) -> bool:
    spans = Counter(
        (pair.source[span.start : span.end], span.kind in _COUNTED)
        for span in pair.protected
        if not _may_change(span, pair.source)
    )
    return any(
        pair.translation.count(text) < (n if is_counted else 1)
        for (text, is_counted), n in spans.items()
    )


def _may_change(span: ProtectedSpan, source: str) -> bool:
    """Return whether a span may be translated, as a currency sign may."""
    return span.kind == "symbol" and bool(_TRANSLATED_SYMBOL.match(source, span.start))


def _is_added(pair: Pair) -> bool:
    n_signs = len(_SYNTAX.findall(pair.translation))
    if not n_signs or n_signs <= len(_SYNTAX.findall(pair.source)):
        return False
    added = (
        pair.translation[span.start : span.end]
        for span in protected_spans(pair.translation)
        if span.kind in _NEVER_ADDED
    )
    return any(text not in pair.source for text in added)
