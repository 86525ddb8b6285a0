"""Personal data with the types of Amazon Comprehend: names by the model, the rest by rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqserve.text.pii.table import PiiKind
from service.api.dialects.aws_shapes import Json
from service.api.dialects.label_names import common_name
from service.api.dialects.places import Place, personal_places

OF_RULES: Mapping[PiiKind, str] = {
    "email": "EMAIL",
    "iban": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "card": "CREDIT_DEBIT_NUMBER",
    "ip_address": "IP_ADDRESS",
    "phone": "PHONE",
}
_OF_MODEL: Mapping[str, str] = {"person": "NAME"}


def pii_of(result: Mapping[str, Any]) -> Json:
    """Return the personal data of a result, in text order."""
    entities = [
        {"Score": one.score, "Type": one.category, "BeginOffset": one.start, "EndOffset": one.end}
        for one in _found(result)
    ]
    return {"Entities": entities}


def pii_labels_of(result: Mapping[str, Any]) -> Json:
    """Return the types of personal data of a result, each with its highest score."""
    scores: dict[str, float] = {}
    for one in _found(result):
        scores[one.category] = max(one.score, scores.get(one.category, 0.0))
    return {"Labels": [{"Name": name, "Score": score} for name, score in scores.items()]}


def _found(result: Mapping[str, Any]) -> list[Place]:
    """Return what the rules and the model found."""
    return personal_places(result, OF_RULES, lambda label: _OF_MODEL.get(common_name(label)))
