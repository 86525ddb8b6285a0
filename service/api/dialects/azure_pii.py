"""Personal data with the categories and the redaction policies of Azure AI Language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.choices import OffsetUnit
from seqserve.errors import InputError
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.pii.overlaps import without_overlaps
from seqserve.text.pii.redaction import Mask, Redaction, redact
from seqserve.text.pii.table import PiiKind
from service.api.dialects.azure_messages import PiiParameters, RedactionPolicy, ValueExclusionPolicy
from service.api.dialects.azure_places import Json, Place, entity_of, places_of
from service.api.personal_data import RULE_SCORE

OF_RULES: Mapping[PiiKind, str] = {
    "email": "Email",
    "iban": "InternationalBankingAccountNumber",
    "card": "CreditCardNumber",
    "ip_address": "IPAddress",
    "phone": "PhoneNumber",
}
DEFAULT = frozenset({"Person", "Organization", *OF_RULES.values()})
SERVED = DEFAULT | {"Location"}
"""Location is returned on request only, as a place alone identifies nobody."""

_MASKS: Mapping[str, Mask] = {"entityMask": Mask("name"), "noMask": Mask("none")}


@dataclass(frozen=True)
class PiiRequest:
    """What is to be found, and how it is redacted.

    Args:
        masks: By the categories to return.
        unserved: Requested ones that this server does not find.
        excluded: Texts that are no personal data.
        ignores_case: Whether those are in lower case, and match in any.
    """

    masks: Mapping[str, Mask]
    unserved: Sequence[str]
    excluded: frozenset[str]
    ignores_case: bool

    def is_wanted(self, category: str, text: str) -> bool:
        """Return whether a text of a category is to be returned."""
        value = text.casefold() if self.ignores_case else text
        return category in self.masks and value not in self.excluded


def read_pii(parameters: PiiParameters) -> PiiRequest:
    """Return what a request wants.

    Raises:
        InputError: It wants health information, or no category that this server finds.
    """
    if parameters.domain == "phi":
        raise InputError(
            "domain: 'phi' is not served, because dates, ages and addresses are not found; "
            "send 'none'."
        )
    requested = set(parameters.piiCategories or ["Default"])
    categories = requested & SERVED
    if "Default" in requested:
        categories |= DEFAULT
    if "All" in requested:
        categories |= SERVED
    if not categories:
        raise InputError(
            "piiCategories: none of these is found by this server. "
            f"Found: {', '.join(sorted(SERVED))}."
        )
    unserved = sorted(requested - SERVED - {"All", "Default"})
    categories -= set(parameters.excludePiiCategories or ())
    policy = parameters.valueExclusionPolicy or ValueExclusionPolicy(excludedValues=[])
    return PiiRequest(
        {one: _mask_of(one, parameters) for one in categories},
        unserved,
        frozenset(one if policy.caseSensitive else one.casefold() for one in policy.excludedValues),
        not policy.caseSensitive,
    )


def write_pii(wanted: PiiRequest, unit: OffsetUnit, text: str, result: Mapping[str, Any]) -> Json:
    """Return the personal data of a document, and its redacted text.

    Args:
        wanted: What the request wants.
        unit: Of the offsets.
        text: Of the document.
        result: Has the `entities` of the model, and what the `rules` found: where they overlap, the rules are
            right.
    """
    found = without_overlaps(_candidates(wanted, text, result))
    offsets = offset_table(text, unit)
    redactions = [
        Redaction(one.start, one.end, one.category, wanted.masks[one.category]) for one in found
    ]
    redacted = redact(text, redactions, offsets)
    rows = [entity_of(text, offsets, one) for one in found]
    if any(one.mask.kind == "name" for one in redactions):
        masked_offsets = offset_table(redacted.text, unit)
        for row, redaction, (start, end) in zip(rows, redactions, redacted.places, strict=True):
            if redaction.mask.kind == "name":
                place, after = unit_span(masked_offsets, start, end)
                row |= {
                    "mask": redacted.text[start:end],
                    "maskOffset": place,
                    "maskLength": after - place,
                }
    warnings = [_unserved_warning(wanted.unserved)] if wanted.unserved else []
    return {"redactedText": redacted.text, "entities": rows, "warnings": warnings}


def _candidates(wanted: PiiRequest, text: str, result: Mapping[str, Any]) -> Iterator[Place]:
    """Yield what may be returned, the most certain first."""
    found = [Place(one.start, one.end, OF_RULES[one.kind], RULE_SCORE) for one in result["rules"]]
    for place in [*found, *places_of(result["entities"])]:
        if wanted.is_wanted(place.category, text[place.start : place.end]):
            yield place


def _mask_of(category: str, parameters: PiiParameters) -> Mask:
    """Return how a category is redacted: by the policy that names it, or by the default one."""
    policies = [*(parameters.redactionPolicies or ())]
    if parameters.redactionPolicy is not None:
        policies.append(parameters.redactionPolicy)
    ranked = [one for one in policies if category in (one.entityTypes or ())]
    ranked += [one for one in policies if one.isDefault]
    ranked += [one for one in policies if one.entityTypes is None]
    return _mask(ranked[0] if ranked else RedactionPolicy())


def _mask(policy: RedactionPolicy) -> Mask:
    of_characters = Mask(
        "character", policy.redactionCharacter, policy.unmaskLength, policy.unmaskFromEnd
    )
    return _MASKS.get(policy.policyKind, of_characters)


def _unserved_warning(unserved: Sequence[str]) -> Json:
    return {
        "code": "UnsupportedCategory",
        "message": f"Not found by this server, and not redacted: {', '.join(unserved)}.",
    }
