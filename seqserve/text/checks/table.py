"""The checks as a table: warning -> what notices it in a segment and its translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seqserve.choices import Warning
from seqserve.text.checks.negation import has_negation_mismatch
from seqserve.text.checks.numbers import has_number_mismatch
from seqserve.text.checks.omission import has_omission
from seqserve.text.checks.pair import Pair
from seqserve.text.checks.placeholders import has_placeholder_mismatch
from seqserve.text.checks.repetition import has_repetition
from seqserve.text.checks.untranslated import is_untranslated

CHECKS: Mapping[Warning, Callable[[Pair], bool]] = {
    "number_mismatch": has_number_mismatch,
    "placeholder_mismatch": has_placeholder_mismatch,
    "negation_mismatch": has_negation_mismatch,
    "omission": has_omission,
    "repetition": has_repetition,
    "untranslated": is_untranslated,
}


def warnings_of(pair: Pair) -> set[Warning]:
    """Return what looks wrong about a translation."""
    return {warning for warning, notices in CHECKS.items() if notices(pair)}
