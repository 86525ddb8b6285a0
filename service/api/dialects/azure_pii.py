"""Personal data with the categories and the redaction policies of Azure AI Language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.choices import OffsetUnit
from seqserve.errors import InputError
from seqserve.text.offsets import offset_table, unit_span
from seqserve.text.pii.redaction import Mask, Redaction, redact
from service.api.dialects.azure_categories import (
    GROUPS,
    OF_RULES,
    SERVED,
    UNSERVED,
    check_categories,
)
from service.api.dialects.azure_messages import PiiParameters, RedactionPolicy, ValueExclusionPolicy
from service.api.dialects.azure_places import category_of, entity_of
from service.api.dialects.places import Json, personal_places

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
        InputError: It wants health information, no category that this server finds, or one that does not exist;
            or its policies name such a category, or are several defaults.
    """
    if parameters.domain == "phi":
        raise InputError(
            "domain: 'phi' is not served, because dates, ages and addresses are not found; "
            "send 'none'."
        )
    check_categories("piiCategories", parameters.piiCategories, tuple(GROUPS))
    check_categories("excludePiiCategories", parameters.excludePiiCategories)
    _check_policies(_policies(parameters))
    requested = frozenset(parameters.piiCategories or ["Default"])
    found = [GROUPS.get(name, SERVED & {name}) for name in requested]
    categories = frozenset[str]().union(*found)
    if not categories:
        raise InputError(
            "piiCategories: none of these is found by this server. "
            f"Found: {', '.join(sorted(SERVED))}."
        )
    categories -= frozenset(parameters.excludePiiCategories or ())
    policy = parameters.valueExclusionPolicy or ValueExclusionPolicy(excludedValues=[])
    return PiiRequest(
        {one: _mask_of(one, parameters) for one in categories},
        sorted(requested & UNSERVED),
        frozenset(one if policy.caseSensitive else one.casefold() for one in policy.excludedValues),
        not policy.caseSensitive,
    )


def write_pii(wanted: PiiRequest, unit: OffsetUnit, text: str, result: Mapping[str, Any]) -> Json:
    """Return the personal data of a document, and its redacted text.

    Args:
        wanted: What the request wants.
        unit: Of the offsets.
        text: Of the document.
        result: Has the `entities` of the model, and what the `rules` found.
    """
    found = [
        one
        for one in personal_places(result, OF_RULES, category_of)
        if wanted.is_wanted(one.category, text[one.start : one.end])
    ]
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


def _check_policies(policies: Sequence[tuple[str, RedactionPolicy]]) -> None:
    """Check the categories of policies, and that at most one is the default."""
    for field, one in policies:
        check_categories(f"{field}.entityTypes", one.entityTypes)
        if one.isDefault is not None and one.isDefaultPolicy is not None:
            raise InputError(f"{field}: isDefault and isDefaultPolicy mean the same; send one.")
    defaults = [field for field, one in policies if one.is_default]
    if len(defaults) > 1:
        raise InputError(f"{defaults[1]}: {defaults[0]} is the default already; mark one policy.")


def _policies(parameters: PiiParameters) -> list[tuple[str, RedactionPolicy]]:
    """Return the policies of a request with their fields, in order of preference."""
    several = [
        (f"redactionPolicies[{i}]", one) for i, one in enumerate(parameters.redactionPolicies or ())
    ]
    single = parameters.redactionPolicy
    return several if single is None else [*several, ("redactionPolicy", single)]


def _mask_of(category: str, parameters: PiiParameters) -> Mask:
    """Return how a category is redacted: by the policy that names it, or by the default one."""
    policies = [one for _, one in _policies(parameters)]
    ranked = [one for one in policies if category in (one.entityTypes or ())]
    ranked += [one for one in policies if one.is_default]
    ranked += [one for one in policies if not one.entityTypes]
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
